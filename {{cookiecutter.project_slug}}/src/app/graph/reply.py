"""What every door gives back: one reply, or the events that lead to it."""

from typing import Any, Literal, TypedDict

from pydantic import BaseModel, ConfigDict, Field

from ..prompts.language import Language


class SourceRef(BaseModel):
    """Where a fact of the answer comes from."""

    title: str
    url: str


class AgentReport(BaseModel):
    """What one agent did for this answer."""

    name: str
    question: str = Field(description="The part of the message that it worked on.")
    status: Literal["answered", "asked", "missing"] = Field(
        description="`asked`: it needs more detail; `missing`: its data source gave nothing usable."
    )


class UsageReport(BaseModel):
    """What the models used for this answer, by the providers' own count."""

    model_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = Field(
        default=0.0,
        description="US dollars by the price table; null: a model without a price answered.",
    )


class Reply(BaseModel):
    """One answer with everything that a caller needs to trust it."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    answer: str
    """The answer, in the language of the question."""

    language: Language
    agents: list[AgentReport]
    sources: list[SourceRef]

    degraded: bool
    """True when a part is missing or came about in a lesser way than configured."""

    degraded_because: list[str]
    """Stable reasons, see `graph/degraded.py`; empty when not."""

    notices: list[str]
    """What a reader must know: the embedded model answered, the data are samples."""

    usage: UsageReport
    thread_id: str
    """Send it with the next message to go on with this conversation."""

    run_id: str
    """Names this answer, for feedback and support."""


class Event(TypedDict):
    """One step of a streamed run; `data` is JSON."""

    event: Literal[
        "plan", "agent_started", "agent_finished", "token", "withdrawn", "final", "error"
    ]
    data: dict[str, Any]
