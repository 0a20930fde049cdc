"""Models on Amazon Bedrock through Converse, as langchain-aws speaks it, with what it leaves to us."""

import re
from collections.abc import AsyncIterator, Mapping
from typing import Any, ClassVar, Literal, Self

import orjson
import structlog
from langchain_aws import ChatBedrockConverse
from langchain_aws.utils import MODEL_ID_GEO_PREFIXES
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.messages import BaseMessage, SystemMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from pydantic import PrivateAttr

from ..errors import ConfigurationError
from ..settings import MODEL_EXAMPLES
from .threaded_calls import ThreadedCalls

log = structlog.stdlib.get_logger(__name__)


class BedrockChat(ChatBedrockConverse):
    """Asks the two actions Converse and ConverseStream, and nothing else of AWS."""

    ARN: ClassVar = re.compile(r"arn:aws[a-z-]*:bedrock:(?P<region>[a-z0-9-]*):\d*:(?P<kind>[a-z-]+)/(?P<id>\S+)")
    NAMING: ClassVar = ("foundation-model", "inference-profile")
    """Kinds of ARNs that end with the model's id."""

    CACHING: ClassVar = ("anthropic.", "amazon.nova")
    """Models that keep prompts: https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html, 2026-11."""

    WHOLE: ClassVar[Mapping[object, str]] = {True: "all", "tool_calling": "those with tools"}
    """`disable_streaming` -> the answers that come whole."""

    caches_prompt: bool = False
    """Mark the end of the system prompt for Bedrock's cache."""

    _calls: ThreadedCalls = PrivateAttr()

    @classmethod
    def named(
        cls, name: str, base_models: Mapping[str, str], streaming: Literal["auto", "on", "off"], **options: Any
    ) -> Self:
        """The model with this id or ARN.

        Raises:
            ConfigurationError: Nothing says which model the ARN stands for.
        """
        base = base_models.get(name)
        if arn := cls.ARN.fullmatch(name):
            options |= {"region_name": arn["region"]} if arn["region"] else {}
            base = base or (arn["id"] if arn["kind"] in cls.NAMING else None)
            if not base:
                example = orjson.dumps({name: MODEL_EXAMPLES["bedrock"].partition("global.")[2]}).decode()
                raise ConfigurationError([f"say in LLM_BEDROCK_BASE_MODELS which model it stands for, as in {example}"])
        if base:
            geography, _, rest = base.partition(".")
            base = rest if geography in MODEL_ID_GEO_PREFIXES else base
            options |= {"base_model_id": base, "provider": base.partition(".")[0]}
        made = cls(model_id=name, **options)
        made.caches_prompt &= made._get_base_model().startswith(cls.CACHING)
        made._set_streaming(streaming)
        return made

    def send_over(self, calls: ThreadedCalls) -> None:
        """Have all requests sent by `calls`."""
        self._calls = calls
        self.client.meta.events.register("before-send.bedrock-runtime", calls.send)

    def _set_streaming(self, wanted: Literal["auto", "on", "off"]) -> None:
        """Stream as `wanted`; say so where answers come whole."""
        if wanted != "auto":
            self.disable_streaming = wanted == "off"
        if which := self.WHOLE.get(self.disable_streaming):
            remedy = "LLM_BEDROCK_STREAMING=on, if the model can" if wanted == "auto" else "none: as it is set"
            log.warning("answers_come_whole", model=self.model_id, which=which, remedy=remedy)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        manager = run_manager.get_sync() if run_manager else None
        async with self._calls.open() as call:
            return await call.run(self._generate, self._marked(messages), stop, manager, **kwargs)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        manager = run_manager.get_sync() if run_manager else None
        async with self._calls.open() as call:
            pieces = self._stream(self._marked(messages), stop, manager, **kwargs)
            while piece := await call.run(next, pieces, None):
                yield piece

    def _marked(self, messages: list[BaseMessage]) -> list[BaseMessage]:
        """The messages, with a mark after the system prompt: tools come before it there, the conversation after."""
        at = next((at for at, it in enumerate(messages) if isinstance(it, SystemMessage)), None)
        if at is None or not self.caches_prompt:
            return messages
        prompt = SystemMessage([{"type": "text", "text": messages[at].text}, self.create_cache_point()])
        return [*messages[:at], prompt, *messages[at + 1 :]]
