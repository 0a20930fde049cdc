"""A chat model without key and network: a script answers, the same for the same messages.

It is a real chat model of LangChain in all other respects (tool calls, streaming, usage), so that the service without a key walks the same way as with one.
"""

import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any, ClassVar, Protocol, runtime_checkable

import orjson
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from ..settings import EMBEDDED


@runtime_checkable
class ScriptedReply(Protocol):
    """What the embedded model says in one role."""

    def respond(self, messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        """The answer to `messages`: the same for the same messages.

        `bound` names the tools that may be called, a plan's schema among them.
        """
        ...


class RuleBasedModel(BaseChatModel):
    """Answers by its script. Counts words as tokens: it has no tokenizer and costs nothing."""

    PIECES: ClassVar[re.Pattern[str]] = re.compile(r"(?:\S+\s*){1,8}|\s+")
    """Up to eight words with the space after them: what one streamed chunk carries. Each chunk
    costs 0.05 ms on its way, as many as one a word would be a tenth of an answer's CPU."""

    script: ScriptedReply

    @property
    def _llm_type(self) -> str:
        return EMBEDDED

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """The model with `tools` to call; the script itself knows whether it must call one."""
        return self.bind(bound=tuple(map(self._name, tools)), **kwargs)

    def _generate(self, messages: list[BaseMessage], *_: Any, bound: Sequence[str] = (), **kwargs: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._answer(messages, bound))])

    async def _agenerate(self, messages: list[BaseMessage], *_: Any, **kwargs: Any) -> ChatResult:
        return self._generate(messages, **kwargs)  # no thread: nothing here waits

    def _stream(
        self, messages: list[BaseMessage], *_: Any, bound: Sequence[str] = (), **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        answer = self._answer(messages, bound)
        for piece in self.PIECES.findall(answer.text):
            yield ChatGenerationChunk(message=AIMessageChunk(content=piece))
        last = AIMessageChunk(
            content="",
            tool_call_chunks=[
                tool_call_chunk(name=call["name"], args=orjson.dumps(call["args"]).decode(), id=call["id"], index=index)
                for index, call in enumerate(answer.tool_calls)
            ],
            usage_metadata=answer.usage_metadata,
            response_metadata=answer.response_metadata,
            chunk_position="last",
        )
        yield ChatGenerationChunk(message=last)

    async def _astream(self, messages: list[BaseMessage], *_: Any, **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in self._stream(messages, **kwargs):
            yield chunk

    def _answer(self, messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        reply = self.script.respond(messages, bound)
        sent = sum(len(message.text.split()) for message in messages)
        texts = [reply.text, *(str(call["args"]) for call in reply.tool_calls)]
        received = sum(len(text.split()) for text in texts)
        usage = UsageMetadata(input_tokens=sent, output_tokens=received, total_tokens=sent + received)
        # A copy: the script may give the same message twice.
        return reply.model_copy(
            update={"usage_metadata": usage, "response_metadata": {**reply.response_metadata, "model_name": EMBEDDED}}
        )

    @staticmethod
    def _name(tool: dict[str, Any] | type | Callable[..., Any] | BaseTool) -> str:
        if isinstance(tool, BaseTool):  # the schema is not needed, and costs more than the answer
            return tool.name
        return str(convert_to_openai_tool(tool)["function"]["name"])
