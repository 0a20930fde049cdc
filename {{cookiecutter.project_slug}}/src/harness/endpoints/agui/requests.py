"""What of an AG-UI request is read: its ids, the user's last message, and answers to interrupts."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final, NoReturn

from ag_ui.core import ResumeEntry, RunAgentInput, TextInputContent
from fastapi.exceptions import RequestValidationError

from ...http.failures import Form
from ...runtime.state import Decision


class Asked:
    """One request. Tools, context and state of a front end are not used: the agents have their own."""

    INSTRUCTIONS: ClassVar = frozenset({"system", "developer"})
    """Roles that a front end adds by itself; they are ignored."""

    LAST: Final = "The last message must be the user's."
    TEXT: Final = "Only text is read here: send a string, or parts of the type `text`."
    ANSWER: Final = 'Send `{"approved": true}` or `{"approved": false}`.'

    def __init__(self, given: RunAgentInput) -> None:
        """Hold its ids to our forms.

        Raises:
            RequestValidationError: One has another.
        """
        self.given = given
        for name, form, text in (
            ("threadId", Form.THREAD_ID, given.thread_id),
            ("runId", Form.IDEMPOTENCY_KEY, given.run_id),
        ):
            if not re.fullmatch(form, text):
                self._refuse(name, Form.WORDS[form])

    @property
    def message(self) -> str:
        """The text of the user's last message; nothing before it is read.

        Raises:
            RequestValidationError: It is not the last one, or holds more than text.
        """
        spoken = [it for it in self.given.messages if it.role not in self.INSTRUCTIONS]
        if not spoken or spoken[-1].role != "user":
            self._refuse("messages", self.LAST)
        content = spoken[-1].content
        if isinstance(content, str):
            return content
        texts = [it.text for it in content if isinstance(it, TextInputContent)]
        if len(texts) < len(content):
            self._refuse("messages", self.TEXT)
        return "\n".join(texts)

    def decisions(self) -> Iterator[Decision]:
        """What a person decided about each call that is named.

        Raises:
            RequestValidationError: An answer is neither yes nor no.
        """
        return map(self._decision, self.given.resume or ())

    @classmethod
    def _decision(cls, entry: ResumeEntry) -> Decision:
        if entry.status == "cancelled":  # who leaves a question unanswered has not said yes
            return Decision(id=entry.interrupt_id, verdict="reject")
        answer: Any = entry.payload
        if not isinstance(answer, Mapping) or not isinstance(answer.get("approved"), bool):
            cls._refuse("resume", cls.ANSWER)
        decision = Decision(id=entry.interrupt_id, verdict="approve" if answer["approved"] else "reject")
        if answer.get("value") is not None:
            decision["value"] = answer["value"]
        return decision

    @staticmethod
    def _refuse(field: str, problem: str) -> NoReturn:
        raise RequestValidationError([{"type": "unsupported", "loc": ("body", field), "msg": problem}])
