"""What of an AG-UI request is read: its ids, the user's last message, and answers to interrupts."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Self

from ag_ui.core import ResumeEntry
from pydantic import BaseModel, Field, JsonValue, ValidationError, model_validator

from ...http.failures import Form
from ...http.last_message import LastMessage
from ...runtime.state import Decision

MOST_ANSWERS: Final = 100  # to interrupts, in one request: more calls never wait. Guess


class RunRequest(BaseModel):
    """`RunAgentInput`, as far as it counts. Tools, context and state of a front end do not: agents have their own."""

    ANSWER: ClassVar = 'Send `{"approved": true}` or `{"approved": false}` as the payload of each.'

    thread_id: str = Field(alias="threadId")
    run_id: str = Field(alias="runId")
    protocol_version: str | None = Field(default=None, alias="protocolVersion")
    messages: list[JsonValue]
    resume: list[JsonValue] | None = Field(default=None, max_length=MOST_ANSWERS)

    @model_validator(mode="after")
    def _check_ids(self) -> Self:
        for name, form, text in (
            ("threadId", Form.THREAD_ID, self.thread_id),
            ("runId", Form.IDEMPOTENCY_KEY, self.run_id),
        ):
            if not re.fullmatch(form, text):
                LastMessage.refuse([name], Form.WORDS[form])
        return self

    @property
    def message(self) -> str:
        """The text of the user's last message; nothing before it is read.

        Raises:
            RequestValidationError: It is not the last one, or holds more than text.
        """
        return LastMessage.text(self.messages)

    def decisions(self) -> Sequence[Decision]:
        """What a person decided about each call that is named.

        Raises:
            RequestValidationError: An answer is neither yes nor no, or an id is none, or named twice.
        """
        decisions = [self._decision(it) for it in self.resume or ()]
        if len({it["id"] for it in decisions}) < len(decisions):
            LastMessage.refuse(["resume"], "Answer each interrupt once.")
        return decisions

    @classmethod
    def _decision(cls, given: JsonValue) -> Decision:
        try:
            entry = ResumeEntry.model_validate(given)
        except ValidationError:
            LastMessage.refuse(["resume"], cls.ANSWER)
        if not re.fullmatch(Form.APPROVAL_ID, entry.interrupt_id):
            LastMessage.refuse(["resume"], Form.WORDS[Form.APPROVAL_ID])
        if entry.status == "cancelled":  # who leaves a question unanswered has not said yes
            return Decision(id=entry.interrupt_id, verdict="reject")
        answer: Any = entry.payload
        if not isinstance(answer, Mapping) or not isinstance(answer.get("approved"), bool):
            LastMessage.refuse(["resume"], cls.ANSWER)
        decision = Decision(id=entry.interrupt_id, verdict="approve" if answer["approved"] else "reject")
        if answer.get("value") is not None:
            decision["value"] = answer["value"]
        return decision
