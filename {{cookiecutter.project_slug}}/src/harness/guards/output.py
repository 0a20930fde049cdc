"""The output guard: prompt leaks, secrets, active content, personal data, language, ungrounded claims."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal, Self, get_args

import structlog

from ..models.text_form import TextForm
from ..prompts.language import Language, LanguageDetector
from ..settings.guards import PersonalKind
from ..telemetry.audit_log import AuditLog
from .active_content import ActiveContent
from .grounding import Grounding
from .leaks import Leaks
from .personal_data import PiiMatch, PiiRules

if TYPE_CHECKING:
    from .grounding_judge import GroundingJudge

log = structlog.get_logger(__name__)

GroundingLevel = Literal["facts", "sources", "open"]
"""What an answer's claims are held against: what this run found; at least a source; nothing, and it says so."""


@dataclass(frozen=True, slots=True)
class OutputPolicy:
    """What holds for every answer, built once at start."""

    leaks: Leaks
    personal: PiiRules = field(default_factory=lambda: PiiRules("none"))
    names: Literal["refuse", "observe", "off"] = "refuse"
    """What becomes of a name that nothing supports: GROUNDING_NAMES."""

    judge: "GroundingJudge | None" = None
    """Asked about claims in words, beyond what the rules read: GROUNDING_JUDGE."""

    figures: bool = True
    """Whether a figure that nothing supports is refused."""

    def grounded(self, level: GroundingLevel) -> Self:
        """What holds for an answer at a level of grounding: `sources` looks at no names, `open` at no figures either."""
        if level == "facts":
            return self
        return replace(self, names="off", figures=level != "open", judge=self.judge if level != "open" else None)


class OutputGuard:
    """Checks the texts of one turn against what that turn was given."""

    UNGROUNDED: Final = "ungrounded"
    LANGUAGE: Final = "language"
    FAILED: Final = "failed"
    """The guard itself broke; nothing that it has not looked at leaves."""

    MENDABLE: Final = frozenset({UNGROUNDED, LANGUAGE})
    """What a model may have got wrong in good faith; the other reasons are about harm."""

    GUARDS: Final[Mapping[str, str]] = {
        UNGROUNDED: "grounding",
        LANGUAGE: "language",
        **dict.fromkeys(get_args(PersonalKind), PiiRules.GUARD),
    }
    """Reason -> the guard's name in the audit trail; `outbound` for any other."""

    def __init__(
        self,
        outgoing: OutputPolicy,
        question: str,
        facts: Iterable[Any],
        links: Iterable[str] = (),
        *,
        said: Iterable[str] = (),
        language: Language | None = None,
    ) -> None:
        """Take `question`, the `facts` of tools, and the `links` of its sources.

        What our own code `said` about them supports names, and is read only when one is looked for.
        With a `language` a text that is clearly in another one is refused, unless `question` is in one
        without data.
        """
        self._outgoing = outgoing
        self._evidence = [question, *facts]
        self._links = links
        self._said = said
        self._language = language
        self._has_observed = False

    def violation(self, text: str, before: str = "", *, is_ours: bool = False) -> str | None:
        """Why `text` may not leave after `before`, None when it may.

        `secret`, `prompt`, `active`, a kind of personal data, `language`, `ungrounded` or `failed`.
        What is split over `before` and `text` is found too. Words that are `ours`, an agent's code or
        what has passed before, are checked for harm and their figures only.
        """
        try:
            return next(self._reasons(text, before, is_ours), None)
        except Exception as failure:  # noqa: BLE001 - unchecked is not let out
            self._broke(failure)
            return self.FAILED

    def masked(self, text: str, *, is_counted: bool = True) -> str:
        """`text` in one form, without the personal data that is to be masked and that nothing gave."""
        text = TextForm.plain(text)
        try:
            masked, kinds = self._outgoing.personal.mask_unless(text, self._is_given)
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
        clear = LanguageDetector.clearly(text)
        is_known = self._is_known(text, clear)
        reads_names = is_known and self._outgoing.names == "refuse"
        names = self._grounding.unsupported_names(text) if reads_names else []
        contrary = self._contradicted(text) if is_known else ()
        return list(dict.fromkeys([*self._figures(text, is_known=is_known, clear=clear), *names, *contrary]))

    def foreign(self, text: str) -> list[str]:
        """The figures and names of `text`, wherever they stand, that nothing gave: of a task, which states nothing new."""
        names = self._grounding.unknown_anywhere(text) if self._outgoing.names != "off" else []
        return list(dict.fromkeys([*self.unsupported(text), *names]))

    def block(self, refusal: str) -> str:
        """Count that a text was withheld; `refusal` itself."""
        if refusal != self.FAILED:  # counted when it broke
            AuditLog.record(self.GUARDS.get(refusal, "outbound"), "withheld", refusal)
        return refusal

    @classmethod
    def corrected(cls, refusal: str, role: str) -> None:
        """Count that a model's second attempt may leave."""
        AuditLog.record(cls.GUARDS[refusal], "corrected", role)

    def _reasons(self, text: str, before: str, is_ours: bool) -> Iterator[str]:
        whole = before + text
        if leak := self._outgoing.leaks.find(whole):
            yield leak
        if self._active.is_present(whole):
            yield "active"
        personal = self._outgoing.personal.find(whole)
        clear = LanguageDetector.clearly(text)
        if not is_ours:  # what only a model's words are refused for
            yield from (it.kind for it in personal if not self._is_given(it))
            if self._language and self._is_in_another_language(text, clear, self._language):
                yield self.LANGUAGE
        is_known = self._is_known(whole, clear)
        if self._figures(text, bool(personal), is_known=is_known, clear=clear) or (
            not is_ours and is_known and (self._has_unsupported_name(text) or self._contradicted(text))
        ):
            yield self.UNGROUNDED

    def _contradicted(self, text: str) -> Sequence[str]:
        """Sentences that say the contrary of what was found."""
        return self._grounding.contradicted(text) if self._outgoing.figures else ()

    def _has_unsupported_name(self, text: str) -> bool:
        """True for a name that is refused; one that is only observed is counted."""
        if self._outgoing.names == "off" or not self._grounding.unsupported_names(text):
            return False
        if self._outgoing.names == "refuse":
            return True
        if not self._has_observed:  # once, also where an answer is looked at by sentences
            self._has_observed = True
            AuditLog.record("grounding", "observed", "name")
        return False

    def _is_known(self, text: str, clear: Language | None) -> bool:
        """True unless `text` is in a language without data: of its words we know figures only."""
        return clear is not None or not (self._is_question_unknown or LanguageDetector.is_unknown(text))

    @cached_property
    def _is_question_unknown(self) -> bool:
        return LanguageDetector.is_unknown(str(self._evidence[0]))

    def _figures(
        self, text: str, has_personal: bool = True, *, is_known: bool, clear: Language | None = None
    ) -> list[str]:
        """Unsupported figures; not those of a phone that was given, spelled in other groups."""
        if not self._outgoing.figures:
            return []
        for match in reversed(self._outgoing.personal.find(text) if has_personal else []):
            if self._is_given(match):
                text = text[: match.start] + text[match.end :]
        return self._grounding.unsupported(text, is_known=is_known, language=clear or self._language)

    def _is_given(self, match: PiiMatch) -> bool:
        """True for what the user or a tool gave to this turn."""
        if match.is_address:  # read by nobody else: evidence may be 2 MB
            address = rf"(?<![\w.+-])(?:{re.escape(match.plain)}|{re.escape(match.text.casefold())})(?![\w-]|\.\w)"
            return re.search(address, self._evidence_text) is not None
        return any(it in self._rows for it in match.spellings)

    def _is_in_another_language(self, text: str, clear: Language | None, language: Language) -> bool:
        if clear in (None, language) or self._is_question_unknown:
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


class SentenceBuffer:
    """Collects the pieces of a model's stream and lets audited sentences through.

    The first sentence that does not pass closes the gate; the caller replaces the answer.
    """

    END: Final = re.compile(r"(?<=[.!?…])\s+|\n+(?=[^\s\d])")
    """White space after a mark, so that `18.4` is never cut in two; a new line that no digit
    begins, so that neither is a card's number in groups."""

    BEFORE_CHARS: Final = 400
    """How much of what has left is looked at again with each sentence: a leak may span several."""

    def __init__(self, guard: OutputGuard) -> None:
        self._guard = guard
        self._pending = ""
        self._sent = ""
        self.refusal: str | None = None
        """Why the gate is closed; None while it is open."""

    @property
    def is_closed(self) -> bool:
        """True from the first sentence on that did not pass."""
        return self.refusal is not None

    def feed(self, piece: str) -> Iterator[str]:
        """The sentences that `piece` completes and that pass."""
        self._pending += piece
        while not self.is_closed and (end := self.END.search(self._pending)):
            sentence, self._pending = self._pending[: end.end()], self._pending[end.end() :]
            yield from self._checked(sentence)

    def rest(self, whole_part: Callable[[str], str] = str) -> Iterator[str]:
        """What is left at the end of the stream, or its `whole_part`, if it passes."""
        rest, self._pending = whole_part(self._pending), ""
        if rest and not self.is_closed:
            yield from self._checked(rest)

    def _checked(self, sentence: str) -> Iterator[str]:
        sentence = self._guard.masked(sentence, is_counted=False)
        self.refusal = self._guard.violation(sentence, self._sent)
        if self.refusal is None:
            self._sent = (self._sent + sentence)[-self.BEFORE_CHARS :]
            yield sentence
