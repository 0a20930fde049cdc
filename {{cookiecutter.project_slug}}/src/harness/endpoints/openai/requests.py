"""What clients of chat completions send, and what of it is read: the last message of the user, and the thread."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, NoReturn

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, JsonValue, field_validator
from pydantic_core import PydanticCustomError
from starlette.datastructures import Headers


class Refusal:
    """How parts of the request that cannot be served are told."""

    UNSUPPORTED: Final = "This is not supported here; leave it out."
    LAST: Final = "The last message must be the user's."
    TEXT: Final = "Only text is read here: send a string, or parts of the type `text`."
    THREAD: Final = "It must be a text."

    @staticmethod
    def of(place: Sequence[str], problem: str) -> NoReturn:
        """Refuse the part at `place` of the body.

        Raises:
            RequestValidationError: Always.
        """
        raise RequestValidationError([{"type": "unsupported", "loc": ("body", *place), "msg": problem}])


class Message(BaseModel):
    """One message. All but the last are the client's own record of the conversation, which nobody vouches for."""

    role: str
    content: JsonValue = None


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

    INSTRUCTIONS: ClassVar = frozenset({"system", "developer"})
    """Roles of a caller's wishes. Every client sends some, so they are ignored, and not refused."""

    model: str
    messages: list[Message]
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
            raise PydanticCustomError("unsupported", Refusal.UNSUPPORTED)
        return value

    @property
    def question(self) -> str:
        """The text of the user's last message; nothing before it is read.

        Raises:
            RequestValidationError: It is not the last one, or holds more than text.
        """
        spoken = [it for it in self.messages if it.role not in self.INSTRUCTIONS]
        if not spoken or spoken[-1].role != "user":
            Refusal.of(["messages"], Refusal.LAST)
        content = spoken[-1].content
        parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
        texts = [it.get("text") for it in parts if isinstance(it, dict) and it.get("type") == "text"]
        read = [it for it in texts if isinstance(it, str)]
        if len(read) < len(parts):
            Refusal.of(["messages", "content"], Refusal.TEXT)
        return "\n".join(read)

    def thread(self, headers: Headers, names: Sequence[str]) -> str | None:
        """The thread that the first of the headers `names`, or else the metadata, name; None: a new one.

        Raises:
            RequestValidationError: The metadata's is no text.
        """
        named = next(filter(None, map(headers.get, names)), None) or (self.metadata or {}).get("thread_id")
        if named is not None and not isinstance(named, str):
            Refusal.of(["metadata", "thread_id"], Refusal.THREAD)
        return named
