"""The one message that counts, where clients send the whole conversation each time."""

from collections.abc import Sequence
from typing import ClassVar, Final, NoReturn

from fastapi.exceptions import RequestValidationError
from pydantic import JsonValue


class LastMessage:
    """Reads the text of the user's last message of a list, as chat completions and AG-UI have it.

    All before it is the client's own record of the conversation, which nobody vouches for: it is not even looked
    at. Nor is it validated: a body has room for hundreds of thousands of entries, and to tell what is wrong with
    each took 2 s, in which nobody else was served (measured).
    """

    FIELD: Final = "messages"
    INSTRUCTIONS: ClassVar = frozenset({"system", "developer"})
    """Roles of a caller's wishes. Every client sends some, so they are ignored, and not refused."""

    LAST: Final = "The last message must be the user's."
    TEXT: Final = "Only text is read here: send a string, or parts of the type `text`."

    @classmethod
    def text(cls, messages: Sequence[JsonValue]) -> str:
        """What it says.

        Raises:
            RequestValidationError: It is not the last one, or holds more than text.
        """
        spoken = (it for it in reversed(messages) if not (isinstance(it, dict) and it.get("role") in cls.INSTRUCTIONS))
        last = next(spoken, None)
        if not isinstance(last, dict) or last.get("role") != "user":
            cls.refuse([cls.FIELD], cls.LAST)
        content = last.get("content")
        parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
        texts = [it.get("text") for it in parts if isinstance(it, dict) and it.get("type") == "text"]
        read = [it for it in texts if isinstance(it, str)]
        if len(read) < len(parts):
            cls.refuse([cls.FIELD, "content"], cls.TEXT)
        return "\n".join(read)

    @staticmethod
    def refuse(place: Sequence[str], problem: str) -> NoReturn:
        """Refuse the part at `place` of the body.

        Raises:
            RequestValidationError: Always.
        """
        raise RequestValidationError([{"type": "unsupported", "loc": ("body", *place), "msg": problem}])
