"""The guard before a text leaves: no prompt, no secret, nothing active, nobody's data, no invention."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Literal, get_args

import structlog

from ..prompts.language import Language, LanguageDetector
from ..settings.guards import PersonalKind
from ..telemetry.audit_log import AuditLog
from .active_content import ActiveContent
from .grounding import Grounding
from .leaks import Leaks
from .personal_data import PiiMatch
from .personal_policy import PiiRules

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class OutputPolicy:
    """What holds for every answer, built once at start."""

    leaks: Leaks
    personal: PiiRules = field(default_factory=lambda: PiiRules("none"))
    names: Literal["refuse", "observe", "off"] = "refuse"
    """What becomes of a name that nothing supports: GROUNDING_NAMES."""


class OutputGuard:
    """Holds the texts of one turn against what that turn was given."""

    UNGROUNDED: Final = "ungrounded"
    LANGUAGE: Final = "language"
    FAILED: Final = "failed"
    """The guard itself broke; nothing that it has not looked at leaves."""

    MENDABLE: Final = frozenset({UNGROUNDED, LANGUAGE})
    """What a model may have got wrong in good faith; the other reasons are about harm."""

    PHONE_DIGITS: Final = 8
    """Digits that make two phones the same."""

    PHONE_NATIONAL: Final = (9, 10)
    """Digits of a phone without its country's code, in most countries (ITU-T E.164)."""
    PHONE_TAIL: Final = 5
    """Digits after a phone that may be another figure: `+34 900 123 456 9:00`. A guess."""

    KINDS: Final = frozenset(get_args(PersonalKind))

    def __init__(
        self,
        outgoing: OutputPolicy,
        question: str,
        found: Iterable[Any],
        links: Iterable[str] = (),
        *,
        said: Iterable[str] = (),
        language: Language | None = None,
    ) -> None:
        """Take `question`, what tools `found`, and the `links` of its sources.

        What our own code `said` about them supports names, and is read only when one is looked for.
        With a `language` a text that is clearly in another one is refused.
        """
        self._outgoing = outgoing
        self._evidence = [question, *found]
        self._links = links
        self._said = said
        self._language = language
        self._has_observed = False

    def violation(self, text: str, before: str = "", *, is_ours: bool = False) -> str | None:
        """Why `text` may not leave after `before`, None when it may.

        `secret`, `prompt`, `active`, a kind of personal data, `language`, `ungrounded` or `failed`.
        What is split over `before` and `text` is found too. Words that are `ours`, an agent's code or
        what has passed before, are held against harm and their figures only.
        """
        try:
            return next(self._reasons(text, before, is_ours), None)
        except Exception as failure:  # noqa: BLE001 - unchecked is not let out
            self._broke(failure)
            return self.FAILED

    def masked(self, text: str, *, is_counted: bool = True) -> str:
        """`text` without the personal data that is to be masked and that nothing gave."""
        try:
            masked, kinds = self._outgoing.personal.masked_unless(text, self._is_given)
        except Exception as failure:  # noqa: BLE001 - as above: `refusal` finds it unmasked
            self._broke(failure)
            return text
        for kind in kinds if is_counted else ():
            AuditLog.record(PiiRules.GUARD, "masked", kind)
        return masked

    def harmless(self, text: str) -> str:
        """`text` without what is active: for the words of a data source, which no model wrote."""
        try:
            return self._active.removed(text)
        except Exception as failure:  # noqa: BLE001 - as above: `refusal` finds it as it was
            self._broke(failure)
            return text

    def unsupported(self, text: str) -> list[str]:
        """The figures and names of `text` that nothing supports."""
        names = self._grounding.unsupported_names(text) if self._outgoing.names == "refuse" else []
        return list(dict.fromkeys([*self._figures(text), *names]))

    def block(self, refusal: str) -> str:
        """Count that a text was kept back; `refusal` itself."""
        match refusal:
            case self.FAILED:  # counted when it broke
                pass
            case self.UNGROUNDED:
                AuditLog.record("grounding", "withheld", refusal)
            case self.LANGUAGE:
                AuditLog.record("language", "withheld", refusal)
            case _ if refusal in self.KINDS:
                AuditLog.record(PiiRules.GUARD, "withheld", refusal)
            case _:
                AuditLog.record("outbound", "withheld", refusal)
        return refusal

    @classmethod
    def corrected(cls, refusal: str, role: str) -> None:
        """Count that a model's second attempt may leave."""
        AuditLog.record("language" if refusal == cls.LANGUAGE else "grounding", "corrected", role)

    def _reasons(self, text: str, before: str, is_ours: bool) -> Iterator[str]:
        whole = before + text
        if leaked := self._outgoing.leaks.found(whole):
            yield leaked
        if self._active.is_present(whole):
            yield "active"
        found = self._outgoing.personal.find(whole)
        if not is_ours:
            yield from self._breaches(text, found)
        if self._figures(text, bool(found)):
            yield self.UNGROUNDED
        if (
            not is_ours
            and self._outgoing.names != "off"
            and self._grounding.unsupported_names(text)
        ):
            if self._outgoing.names == "refuse":
                yield self.UNGROUNDED
            if not self._has_observed:  # once, also where an answer is looked at by sentences
                self._has_observed = True
                AuditLog.record("grounding", "observed", "name")

    def _breaches(self, text: str, found: Iterable[PiiMatch]) -> Iterator[str]:
        """What only a model's words are held against: others' data, another language."""
        yield from (each.kind for each in found if not self._is_given(each))
        if self._language and self._is_in_another_language(text, self._language):
            yield self.LANGUAGE

    def _figures(self, text: str, has_personal: bool = True) -> list[str]:
        """Unsupported figures; not those of a phone that was given, spelled in other groups."""
        for found in reversed(self._outgoing.personal.find(text) if has_personal else []):
            if self._is_given(found):
                text = text[: found.start] + text[found.end :]
        return self._grounding.unsupported(text)

    def _is_given(self, found: PiiMatch) -> bool:
        """True for what the user or a tool gave to this turn."""
        if found.kind in ("email", "ip"):
            return found.plain in self._given
        row = found.plain
        ways = {row}
        if found.kind == "phone":  # a country's code more or less; a figure that follows
            ways |= {row[: len(row) - cut] for cut in range(self.PHONE_TAIL)}
            ways |= {row[-length:] for length in self.PHONE_NATIONAL}
        return any(len(it) >= min(len(row), self.PHONE_DIGITS) and it in self._rows for it in ways)

    def _is_in_another_language(self, text: str, language: Language) -> bool:
        clear = LanguageDetector.clearly(text)
        if clear in (None, language):
            return False
        own = LanguageDetector.without_quotes(text, self._evidence_text)
        return LanguageDetector.clearly(own) not in (None, language)

    def _broke(self, failure: Exception) -> None:
        AuditLog.record("outbound", "failed", type(failure).__name__)
        log.error("outbound_guard_failed", error=type(failure).__name__)

    @cached_property
    def _evidence_text(self) -> str:
        return " ".join(self._grounding.texts).casefold()

    @cached_property
    def _given(self) -> frozenset[str]:
        """Addresses that the turn was given."""
        return frozenset(it.plain for it in PiiRules.FINDER.find(self._evidence_text))

    @cached_property
    def _rows(self) -> str:
        """Letters and digits of the evidence, so that no separator matters."""
        return "".join(filter(str.isalnum, self._evidence_text))

    @cached_property
    def _active(self) -> ActiveContent:
        return ActiveContent(self._hosts())

    def _hosts(self) -> Iterator[str]:
        """Where links may lead: to the sources, and where question and facts lead to."""
        yield from filter(None, map(ActiveContent.host, self._links))
        yield from filter(None, ActiveContent.hosts_in(self._evidence_text))

    @cached_property
    def _grounding(self) -> Grounding:
        return Grounding(self._evidence, self._said)
