"""OpenAI's chat completions as other servers speak them: what its class could not read is set right before."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import openai
import orjson
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_openai import ChatOpenAI

from .loose_json import LooseJson
from .text_form import TextForm


class CompatibleChatOpenAI(ChatOpenAI):
    """Takes tool calls without an index, with arguments as an object, and the older function call.

    Overrides the two methods that LangChain's own classes for compatible providers do (1.7).
    """

    THINKS: ClassVar = "thinks"
    """In a piece's metadata: it holds thoughts, in a field beside the words."""

    NO_OBJECT: ClassVar = "no object: "

    def _create_chat_result(
        self, response: "dict[str, Any] | openai.BaseModel", generation_info: dict[str, Any] | None = None
    ) -> ChatResult:
        if isinstance(response, openai.BaseModel):
            response = response.model_dump(warnings=False)
        if isinstance(response, dict):
            for choice in response.get("choices") or ():
                self._mend(choice, choice.get("message"))
                for call in (choice.get("message") or {}).get("tool_calls") or ():
                    self._mend_whole(call["function"])
        return super()._create_chat_result(response, generation_info)

    def _convert_chunk_to_generation_chunk(
        self, chunk: dict[str, Any], default_chunk_class: type, base_generation_info: dict[str, Any] | None
    ) -> ChatGenerationChunk | None:
        choices = chunk.get("choices") or chunk.get("chunk", {}).get("choices") or [{}]
        delta = choices[0].get("delta")
        self._mend(choices[0], delta)
        piece = super()._convert_chunk_to_generation_chunk(chunk, default_chunk_class, base_generation_info)
        if piece and delta and (delta.get("reasoning_content") or delta.get("reasoning")):
            piece.message.response_metadata[self.THINKS] = True
        return piece

    @classmethod
    def _mend(cls, choice: dict[str, Any], message: dict[str, Any] | None) -> None:
        if message is None:
            return
        if isinstance(message.get("content"), str):
            message["content"] = TextForm.carried(message["content"])
        if message.get("refusal") and not message.get("content"):
            choice["finish_reason"] = "refusal"
        called = message.pop("function_call", None)
        calls = message.get("tool_calls") or ([{"function": called}] if called else [])
        message["tool_calls"] = list(cls._mended(calls))

    @classmethod
    def _mend_whole(cls, function: dict[str, Any]) -> None:
        """Arguments that are JSON and no object, which the message would refuse with all of the answer."""
        arguments = LooseJson.arguments(function["arguments"])
        told = f"{cls.NO_OBJECT}{function['arguments']}" if arguments is None else orjson.dumps(arguments).decode()
        function["arguments"] = told

    @staticmethod
    def _mended(calls: Any) -> Iterator[Mapping[str, Any]]:
        """Each call as the class takes it: with an index, and its arguments as text."""
        for at, call in enumerate(calls):
            function = dict(call.get("function") or {})
            given = function.get("arguments")
            text = given if isinstance(given, str | None) else orjson.dumps(given).decode()
            function |= {"name": function.get("name"), "arguments": TextForm.carried(text) if text else text}
            index = call.get("index")
            yield {**call, "index": at if index is None else index, "function": function}
