"""What of a run's input is read: the message, or a person's decision about a call that waits."""

import re
from collections.abc import Mapping
from typing import ClassVar, Final

from pydantic import JsonValue

from ...errors import InputRefused
from ...runtime.state import Decision
from ..failures import Form
from ..last_message import LastMessage

MASKED: Final = "masked"
"""Where a run's configuration names the kinds of personal data that its message has lost."""


class RunInput:
    """Reads what a caller of the server sends; nothing else of it reaches a run."""

    MESSAGE: ClassVar = 'send {"message": "..."}, or {"messages": [...]} whose last one is the user\'s'
    DECISION: ClassVar = 'resume with {"id": "...", "verdict": "approve"}, or "reject"; the id is the call\'s'
    USER: ClassVar = frozenset({"human", "user"})
    """Types and roles of a user's message, as chat clients of LangGraph's name them."""

    @classmethod
    def message(cls, given: object) -> str:
        """The message, or the user's last one of several: those before it are the client's record, and not read.

        Raises:
            InputRefused: There is none, or more than a message: a state cannot be given.
            RequestValidationError: The last message is not the user's, or holds more than text.
        """
        match given:
            case {"message": str(text), **rest} if not rest:
                return text
            case {"messages": list(messages), **rest} if not rest:
                return LastMessage.text([cls._turn(it) for it in messages[-1:]])
        raise InputRefused("input", cls.MESSAGE)

    @classmethod
    def decision(cls, given: object) -> Decision:
        """The decision that resumes a run.

        Raises:
            InputRefused: It is none.
        """
        match given:
            case {"id": str(call), "verdict": "approve" | "reject" as verdict, **rest} if re.fullmatch(
                Form.APPROVAL_ID, call
            ) and not rest.keys() - {"value"}:
                decision = Decision(id=call, verdict=verdict)
                return decision if rest.get("value") is None else {**decision, "value": rest["value"]}
        raise InputRefused("command", cls.DECISION)

    @classmethod
    def _turn(cls, given: object) -> dict[str, JsonValue] | None:
        """One message as chat completions have it."""
        if not isinstance(given, Mapping):
            return None
        is_users = given.get("role", given.get("type")) in cls.USER
        return {"role": "user" if is_users else "", "content": given.get("content")}
