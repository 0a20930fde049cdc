"""What an endpoint does not understand, found out by its refusals; and how the same is said to it in words."""

import re
import tomllib
from collections.abc import Mapping, Sequence, Set
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import orjson
import structlog
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    convert_to_messages,
)
from langchain_core.utils.function_calling import convert_to_openai_tool

from .failures import ModelCallFailed

log = structlog.stdlib.get_logger(__name__)

_DATA: Final = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


class Dialect:
    """What one endpoint lacks, as far as this process knows."""

    REFUSED: Final[Mapping[str, re.Pattern[str]]] = {
        name: re.compile(pattern, re.IGNORECASE) for name, pattern in _DATA["refused"].items()
    }
    MAY_MEAN_IT: Final = frozenset({400, 404, 405, 415, 422, 500, 501})
    """Statuses of refusals: OpenRouter says 404, llama.cpp 500."""
    ALSO_FORBIDDEN: Final = frozenset({"cache_point"})
    """What Bedrock refuses with 403."""
    LASTING: Final = re.compile(_DATA["about"]["lasting"], re.IGNORECASE)
    IGNORED: Final = 2
    """How often in a row an endpoint says nothing of tools that it does not know, until it is believed; a guess."""
    UNNAMED: Final = re.compile(_DATA["about"]["parameters"], re.IGNORECASE)

    def __init__(self, endpoint: str, parameters: Set[str]) -> None:
        """Know nothing of `endpoint` yet; its class sends `parameters` of those that may be refused."""
        self._endpoint = endpoint
        self._parameters = parameters
        self._accepted: set[str] = set()
        self._ignored = 0
        self.lacks: frozenset[str] = frozenset()

    def used(self, options: Mapping[str, Any], *, has_tools: bool, is_stream: bool) -> set[str]:
        """What a call uses of all that may be refused."""
        used = {name for name in ("tool_choice", "response_format") if options.get(name)}
        used |= self._parameters - (set() if is_stream else {"stream_options"})
        return used | ({"tools"} if has_tools else set())

    def next_to_leave_out(self, failure: ModelCallFailed, used: Set[str], lacks: Set[str]) -> str | None:
        """What to do without after `failure`; None where it means something else."""
        left = [name for name in self.REFUSED if name in used - lacks]
        if failure.status == HTTPStatus.FORBIDDEN:
            left = [name for name in left if name in self.ALSO_FORBIDDEN]
        elif failure.status not in self.MAY_MEAN_IT:
            return None
        if failure.status >= HTTPStatus.INTERNAL_SERVER_ERROR and not self.LASTING.search(failure.told):
            return None
        named = [name for name in left if self.REFUSED[name].search(failure.told)]
        if named:
            return named[0]
        unsure = [name for name in left if name not in self._accepted]
        return unsure[0] if unsure and self.UNNAMED.search(failure.told) else None

    def learn(self, used: Set[str], lacks: frozenset[str]) -> None:
        """A call that used `used` without `lacks` was answered."""
        self._accepted |= used - lacks
        if new := lacks - self.lacks:
            self.lacks |= lacks
            log.warning("endpoint_lacks", model=self._endpoint, lacks=sorted(new), remedy="none: it is done without")

    def ignored(self, *, has_ignored: bool) -> None:
        """Where a call was wanted, there was none until the tools were told in words; or there was one at once."""
        self._ignored = self._ignored + 1 if has_ignored else 0
        if self._ignored == self.IGNORED:
            self.learn(set(), self.lacks | {"tools"})

    @staticmethod
    def spoken(model: Any, tools: Sequence[Any] | None, options: Mapping[str, Any], lacks: Set[str]) -> Any:
        """`model` with its tools, without what the endpoint lacks."""
        if "max_completion_tokens" in lacks:
            old = {**(model.extra_body or {}), "max_tokens": model.max_tokens}
            model = model.model_copy(update={"max_tokens": None, "extra_body": old})
        if "stream_options" in lacks:
            model = model.model_copy(update={"stream_usage": False})
        if "cache_point" in lacks:
            model = model.model_copy(update={"caches_prompt": False})
        if tools is None or "tools" in lacks:
            return model
        left_out = {*lacks, *({"strict"} if "response_format" in lacks else ())}
        return model.bind_tools(tools, **{name: value for name, value in options.items() if name not in left_out})


class InWords:
    """Tools and schemas told in the conversation itself, to an endpoint that takes them in no other way."""

    TOLD: Final[Mapping[str, str]] = _DATA["told"]

    def __init__(self, tools: Sequence[Any], options: Mapping[str, Any], *, is_required: bool) -> None:
        self._tools = tools
        self._format = options.get("response_format")
        self._is_required = is_required

    def request(self, given: Any, lacks: Set[str]) -> Any:
        """The conversation `given`, with what the endpoint `lacks` told in its system prompt."""
        told = list(self._told(lacks))
        if not told:
            return given
        messages = self.messages(given)
        if "tools" in lacks:
            messages = [self._plain(it) for it in messages]
        system = [it for it in messages if isinstance(it, SystemMessage)]
        whole = "\n\n".join([*(it.text for it in system), *told])
        return [SystemMessage(whole), *(it for it in messages if not isinstance(it, SystemMessage))]

    @classmethod
    def again(cls, given: Any, broken: AIMessage) -> list[BaseMessage]:
        """The conversation, and that the calls of its answer could not be read."""
        names = ", ".join(str(it["name"]) for it in broken.invalid_tool_calls)
        return [*cls.messages(given), HumanMessage(cls.TOLD["broken"].format(names=names))]

    @staticmethod
    def messages(given: Any) -> list[BaseMessage]:
        """What a model is given, as messages."""
        if isinstance(given, str):
            return [HumanMessage(given)]
        return list(given.to_messages() if hasattr(given, "to_messages") else convert_to_messages(given))

    def _told(self, lacks: Set[str]) -> Sequence[str]:
        told = []
        if "tools" in lacks and self._tools:
            schemas = [convert_to_openai_tool(it)["function"] for it in self._tools]
            if self._is_required and len(schemas) == 1:
                told.append(self.TOLD["one"].format(schemas=self._json(schemas[0].get("parameters", {}))))
            else:
                ending = self.TOLD["must" if self._is_required else "choice"]
                told.append(
                    self.TOLD["any"].format(schemas="\n".join(map(self._json, schemas)), example=self.TOLD["example"])
                    + ending
                )
        if "response_format" in lacks and self._format:
            told.append(self.TOLD["one"].format(schemas=self._json(self._format)))
        return told

    @classmethod
    def _plain(cls, message: BaseMessage) -> BaseMessage:
        """A message without calls and results, which are told in words."""
        if isinstance(message, ToolMessage):
            return HumanMessage(cls.TOLD["result"].format(name=message.name, content=message.text))
        if isinstance(message, AIMessage) and message.tool_calls:
            calls = [cls._json({"name": it["name"], "arguments": it["args"]}) for it in message.tool_calls]
            return AIMessage("\n".join([message.text, *calls]).strip())
        return message

    @staticmethod
    def _json(value: Any) -> str:
        return orjson.dumps(value, default=str).decode()
