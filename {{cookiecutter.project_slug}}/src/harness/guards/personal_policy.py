"""What becomes of personal data, kind by kind: on its way in, and on its way out."""

from collections.abc import Callable
from typing import Final

from ..errors import InputRefused
from ..settings.guards import PersonalKind, PiiPolicy
from ..telemetry.audit_log import AuditLog
from .personal_data import PiiDetector, PiiMatch


class PiiRules:
    """The acts of one direction: each kind passes, is masked, or is refused."""

    GUARD: Final = "personal_data"
    FINDER: Final = PiiDetector()

    def __init__(self, acts: str) -> None:
        """Hold `acts`, a setting such as `card:mask,iban:refuse`; kinds left out pass."""
        read = PiiPolicy.read(acts)
        self._masked = frozenset(kind for kind, act in read.items() if act == "mask")
        self._refused = frozenset(kind for kind, act in read.items() if act == "refuse")

    def mask_input(self, message: str) -> tuple[str, list[PersonalKind]]:
        """The message with what is to be masked masked, and which kinds were.

        Raises:
            InputRefused: It holds a kind that is refused. Not a friendly answer: nothing is run,
                paid or remembered, and a program that sends such data should notice.
        """
        found = self.FINDER.find(message) if self._masked or self._refused else []
        for each in found:
            if each.kind in self._refused:
                AuditLog.record(self.GUARD, "refused", each.kind)
                raise InputRefused(
                    "message",
                    f"it holds personal data ({each.kind}); leave it out"
                    " (the operator's setting is PERSONAL_DATA_IN)",
                )
        masked = [each for each in found if each.kind in self._masked]
        kinds = sorted({each.kind for each in masked})
        for kind in kinds:
            AuditLog.record(self.GUARD, "masked", kind)
        return self._without(message, masked), kinds

    def hidden(self, text: str) -> str:
        """`text` for the audit trail: without the kinds that are masked or refused."""
        kinds = self._masked | self._refused
        return self._without(text, [it for it in self.FINDER.find(text) if it.kind in kinds])

    def masked_unless(
        self, text: str, is_given: Callable[[PiiMatch], bool]
    ) -> tuple[str, list[PersonalKind]]:
        """`text` with what is to be masked masked, unless it was given, and which kinds were."""
        if not self._masked:
            return text, []
        found = self.FINDER.find(text)
        masked = [it for it in found if it.kind in self._masked and not is_given(it)]
        return self._without(text, masked), sorted({it.kind for it in masked})

    def find(self, text: str) -> list[PiiMatch]:
        """What `text` holds of the kinds that do not pass."""
        kinds = self._masked | self._refused
        return [it for it in self.FINDER.find(text) if it.kind in kinds] if kinds else []

    @staticmethod
    def _without(text: str, found: list[PiiMatch]) -> str:
        for each in reversed(found):
            text = f"{text[: each.start]}[{each.kind}]{text[each.end :]}"
        return text
