"""What a tool is called with and what it brings back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from pydantic_core import to_jsonable_python
from typing_extensions import TypedDict


class Source(TypedDict):
    """Where a fact comes from, as the answer shows it."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What one tool call brought back: the facts that an answer may state, and their source."""

    RESULT: ClassVar = "result"
    """The name of the one fact of a tool that returns no mapping."""

    facts: Mapping[str, Any]
    """JSON values. A model reads them; the audit holds every figure of the answer against them."""

    sources: Sequence[Source] = ()

    @classmethod
    def of(cls, value: Any) -> Self:
        """What a tool returned, as a result: a mapping is its facts, anything else one fact."""
        if isinstance(value, cls):
            return value
        plain = to_jsonable_python(value, fallback=str)
        return cls(plain if isinstance(plain, dict) else {cls.RESULT: plain})


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One tool call: the tool's name and its arguments."""

    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
