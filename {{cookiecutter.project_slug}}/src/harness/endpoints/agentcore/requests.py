"""What an invocation says: a question, or a decision about a call that waits."""

from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator

from ...http.chat import ApprovalDecision
from ...http.failures import Form
from ...http.last_message import LastMessage


class DecisionRequest(ApprovalDecision):
    """What a person decided about which call."""

    id: Annotated[str, Field(pattern=Form.APPROVAL_ID)]


class Invocation(BaseModel, extra="forbid", strict=True):
    """One of the two."""

    prompt: Annotated[str, Field(pattern=Form.MESSAGE)] | None = None
    decision: DecisionRequest | None = None
    thread_id: Annotated[str, Field(pattern=Form.THREAD_ID)] | None = None
    """The conversation, where it is not that of the session."""

    idempotency_key: Annotated[str, Field(pattern=Form.IDEMPOTENCY_KEY)] | None = None
    """In the body: AWS's own clients send no headers of their caller's."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.prompt is None) == (self.decision is None):
            LastMessage.refuse(["prompt"], "Send `prompt`, or `decision` about a call that waits.")
        return self
