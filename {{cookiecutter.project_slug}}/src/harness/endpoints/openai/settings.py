"""What the endpoint for chat completions can be told."""

from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, Field

from ...configuration import Configuration

HEADERS_PATTERN: Final = r"^[A-Za-z0-9-]+(\s*,\s*[A-Za-z0-9-]+)*$"


class ThreadHeaders:
    """Headers whose value is an id, which stands in stores and logs."""

    CREDENTIALS: ClassVar = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key"})

    @classmethod
    def check(cls, names: str) -> str:
        """The names; raises ValueError for one that holds credentials."""
        if found := [it for it in map(str.strip, names.split(",")) if it.lower() in cls.CREDENTIALS]:
            raise ValueError(f"{', '.join(found)} holds credentials; name a header that holds the id of a conversation")
        return names


class OpenAISettings(Configuration):
    """Those of `/v1/chat/completions`."""

    chat_completions_thread_headers: Annotated[str, AfterValidator(ThreadHeaders.check)] = Field(
        default="X-Thread-Id, X-Conversation-Id, X-OpenWebUI-Chat-Id", pattern=HEADERS_PATTERN
    )
    """Headers that name the conversation at `/v1/chat/completions`, separated by commas; the first with a value
    counts. What a front end sends there: Open WebUI the last one, LibreChat what its configuration says."""

    history_body_max_bytes: int = Field(default=1024 * 1024, ge=1024)
    """Largest request body at `/v1/chat/completions`, bytes: clients send the whole conversation each time. Its
    last message alone is read, and held to MESSAGE_MAX_CHARS."""

    @property
    def thread_headers(self) -> list[str]:
        """CHAT_COMPLETIONS_THREAD_HEADERS, each."""
        return [it.strip() for it in self.chat_completions_thread_headers.split(",")]


SETTINGS = OpenAISettings
