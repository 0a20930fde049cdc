"""What clients of chat completions send, and what of it is read: the last message of the user, and the thread."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel, JsonValue, field_validator
from pydantic_core import PydanticCustomError
from starlette.datastructures import Headers

from ...http.last_message import LastMessage


class StreamOptions(BaseModel):
    """What a stream has beside the answer."""

    include_usage: bool = False


class Completion(BaseModel):
    """A request. Fields that are not here, such as `temperature`, are the service's to choose: they are left out."""

    SUPPORTED: ClassVar[Mapping[str, Sequence[JsonValue]]] = {
        "n": (None, 1),
        "tools": (None, []),
        "functions": (None, []),
        "response_format": (None, {"type": "text"}),
        "modalities": (None, ["text"]),
        "audio": (None,),
    }
    """What changes the form of an answer -> the values that ask for the only one that there is."""

    UNSUPPORTED: ClassVar = "This is not supported here; leave it out."
    THREAD: ClassVar = "It must be a text."

    model: str
    messages: list[JsonValue]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    metadata: dict[str, JsonValue] | None = None
    n: JsonValue = None
    tools: JsonValue = None
    functions: JsonValue = None
    response_format: JsonValue = None
    modalities: JsonValue = None
    audio: JsonValue = None

    @field_validator(*SUPPORTED)
    @classmethod
    def _is_supported(cls, value: JsonValue, info: Any) -> JsonValue:
        if value not in cls.SUPPORTED[info.field_name]:
            raise PydanticCustomError("unsupported", cls.UNSUPPORTED)
        return value

    @property
    def question(self) -> str:
        """The text of the user's last message; nothing before it is read.

        Raises:
            RequestValidationError: It is not the last one, or holds more than text.
        """
        return LastMessage.text(self.messages)

    def thread(self, headers: Headers, names: Sequence[str]) -> str | None:
        """The thread that the first of the headers `names`, or else the metadata, name; None: a new one.

        Raises:
            RequestValidationError: The metadata's is no text.
        """
        named = next(filter(None, map(headers.get, names)), None) or (self.metadata or {}).get("thread_id")
        if named is not None and not isinstance(named, str):
            LastMessage.refuse(["metadata", "thread_id"], self.THREAD)
        return named
