"""OpenAI's chat completions as other servers speak them: what its classes could not read is set right before."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Self

import orjson
from langchain_core.outputs import ChatGenerationChunk
from langchain_openai import ChatOpenAI

from .loose_json import LooseJson
from .text_form import TextForm


class CompatibleChatOpenAI(ChatOpenAI):
    """Takes tool calls without an index, with arguments as an object, the older function call, and half an emoji."""

    THINKS: ClassVar = "thinks"
    """In a piece's metadata: it holds thoughts, in a field beside the words."""

    NO_OBJECT: ClassVar = "no object: "
    """Before arguments that are JSON of another kind, which the message would refuse with all of the answer."""

    def reading_loosely(self) -> Self:
        """The model itself, its answers set right before OpenAI's own classes read them."""
        client = self.root_async_client
        read = client._process_response_data  # noqa: SLF001 - where the SDK (3.54) has parsed JSON, whole or of a piece

        def process(*, data: Any, **how: Any) -> Any:
            for choice in (data.get("choices") if isinstance(data, dict) else None) or ():
                if isinstance(choice, dict):
                    self._mend(choice)
            return read(data=data, **how)

        client._process_response_data = process  # noqa: SLF001
        return self

    def _convert_chunk_to_generation_chunk(
        self, chunk: dict[str, Any], default_chunk_class: type, base_generation_info: dict[str, Any] | None
    ) -> ChatGenerationChunk | None:
        piece = super()._convert_chunk_to_generation_chunk(chunk, default_chunk_class, base_generation_info)
        delta = next((it.get("delta") or {} for it in chunk.get("choices") or ()), {})
        if piece and (delta.get("reasoning_content") or delta.get("reasoning")):
            piece.message.response_metadata[self.THINKS] = True
        return piece

    @classmethod
    def _mend(cls, choice: dict[str, Any]) -> None:
        is_whole = isinstance(choice.get("message"), dict)
        message: Any = choice["message"] if is_whole else choice.get("delta")
        if not isinstance(message, dict):
            return
        if is_whole:
            message["role"] = message.get("role") or "assistant"
        if isinstance(parts := message.get("content"), list):  # Mistral's, with thoughts beside the text
            message["content"] = "".join(str(it.get("text") or "") for it in parts if isinstance(it, dict))
        if isinstance(message.get("content"), str):
            message["content"] = TextForm.carried(message["content"])
        if message.get("refusal") and not message.get("content"):
            choice["finish_reason"] = "refusal"
        called = message.pop("function_call", None)
        if calls := message.get("tool_calls") or ([{"function": called}] if called else []):
            message["tool_calls"] = list(cls._mended(calls, is_whole=is_whole))

    @classmethod
    def _mended(cls, calls: Any, *, is_whole: bool) -> Iterator[Mapping[str, Any]]:
        """Each call as the classes take it: with the key of an index, and its arguments as text."""
        for call in calls:
            function = call.get("function") or {}
            given = function.get("arguments")
            text = given if isinstance(given, str | None) else orjson.dumps(given).decode()
            if is_whole:
                arguments = LooseJson.arguments(given)
                text = f"{cls.NO_OBJECT}{text}" if arguments is None else orjson.dumps(arguments).decode()
            yield {
                **call,
                "type": "function",
                "index": call.get("index"),
                "function": {**function, "name": function.get("name"), "arguments": TextForm.carried(text or "")},
            }
