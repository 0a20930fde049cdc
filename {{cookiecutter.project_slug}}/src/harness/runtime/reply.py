"""What every door gives back: one reply, or the events that lead to it."""

from datetime import UTC, datetime
from typing import Any, Literal, Self, TypedDict

from pydantic import BaseModel, ConfigDict, Field

from ..prompts.language import Language
from .state import PendingCall


class SourceRef(BaseModel):
    """Where a fact of the answer comes from."""

    title: str
    url: str


class AgentReport(BaseModel):
    """What one agent did for this answer."""

    name: str
    question: str = Field(description="The part of the message that it worked on.")
    status: Literal["answered", "asked", "missing", "waiting", "rejected"] = Field(
        description="`asked`: it needs more detail; `missing`: its data source gave nothing usable; "
        "`waiting`: a person must approve what it would do; `rejected`: a person said no."
    )


class ApprovalRequest(BaseModel):
    """A call that would change something. It runs when it is approved, as it is shown, and once."""

    id: str = Field(description="`POST /v1/threads/{thread_id}/approvals/{id}` decides.")
    agent: str
    tool: str
    arguments: dict[str, Any]
    expires_at: str = Field(description="Until when it may be approved, ISO 8601.")

    @classmethod
    def from_call(cls, call: PendingCall) -> Self:
        """`call` as callers see it."""
        until = datetime.fromtimestamp(call["expires_at"], UTC).isoformat(timespec="seconds")
        return cls(
            id=call["id"],
            agent=call["agent"],
            tool=call["tool"],
            arguments=dict(call["arguments"]),
            expires_at=until,
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

    approvals: list[ApprovalRequest] = []
    """What waits for a person. A later message of this conversation withdraws it."""

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
