"""Personal data: e-mail and IP addresses, phones, cards, accounts and identity numbers, and what becomes of them."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Final

from ..errors import InputRefused
from ..settings.guards import PersonalKind, PiiPolicy
from ..telemetry.audit_log import AuditLog
from .addresses import Addresses
from .check_digits import CheckDigits
from .national_ids import NationalIds
from .phones import Phones

Finder = Callable[[str], Iterator[tuple[int, int]]]
"""Gives where values stand."""


GAP: Final = r"[ \u00a0\u202f\u2000-\u200a.()/\u2010-\u2013\n\t_-]"
"""What people put between groups of digits."""


@dataclass(frozen=True, slots=True)
class PiiMatch:
    """One value and where it stands."""

    kind: PersonalKind
    start: int
    end: int
    text: str

    PHONE_DIGITS: ClassVar = 8
    """Digits that make two phones the same."""
    PHONE_NATIONAL: ClassVar = (9, 10)
    """Digits of a phone without its country's code, in most countries (ITU-T E.164)."""
    PHONE_TAIL: ClassVar = 5
    """Digits after a phone that may be another figure: `+34 900 123 456 9:00`. A guess."""

    @property
    def is_address(self) -> bool:
        """True where separators are a part of the value."""
        return self.kind in ("email", "ip")

    @property
    def plain(self) -> str:
        """The value in one spelling: no separators, no capitals."""
        if self.kind == "email":
            return Addresses.plain_email(self.text).casefold()
        text = self.text if self.is_address else "".join(filter(str.isalnum, self.text))
        return text.casefold()

    @property
    def spellings(self) -> set[str]:
        """What the value may be elsewhere: a phone has a country's code, or a figure follows it."""
        row = self.plain
        if self.kind != "phone":
            return {row}
        ways = {row[: len(row) - cut] for cut in range(self.PHONE_TAIL)}
        ways |= {row[-length:] for length in self.PHONE_NATIONAL}
        return {it for it in ways if len(it) >= min(len(row), self.PHONE_DIGITS)}


class PiiDetector:
    """Finds it by shape and check digit. Every pattern runs in time linear in the text.

    Not found: names, postal addresses, and what stands in a picture.
    """

    ROW: Final = re.compile(r"(?:\dGAP{0,3}){7}".replace("GAP", GAP))
    """Seven digits, perhaps in groups: every phone, card and identity number has them."""

    CODE: Final = re.compile(
        r"(?<![^\W_])(?:[A-Z]{4}-?\d{6}|[A-Z]{3} ?[A-Z]{3} ?\d\d[A-Z]|[A-Z]{1,3}[ -]{0,2}\d\d[ .]?\d\d[ .]?\d\d)"
    )
    """How the identity numbers begin that have fewer: of Mexico, Italy, the United Kingdom; and passports."""

    DIGITS: Final = re.compile(
        r"(?<!\d)(?<![0-9A-Fa-f]{4}-)(?<!\d[.,])\d(?:GAP{0,3}\d){12,}+(?![^\W_])".replace("GAP", GAP)
    )
    """A row that may hold a card; not a part of a UUID or a hash."""

    GLUED: Final = re.compile(r"(?<![^\W_])[^\W\d_]{0,12}$")
    GLUED_CHARS: Final = 14
    """What may stand before it: a word, `visa4111`, and no name with digits in it."""

    GROUP: Final = re.compile(r"\d+")
    CARD_DIGITS: Final = 13
    """Fewest digits of a card (ISO/IEC 7812)."""
    CARD_GROUPS: Final = 5
    """Most groups of a card's number, as in 4-4-4-4-3."""
    CARD_FORMS: Final = frozenset({(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (4, 4, 4, 1), (4, 4, 4, 4, 2)})
    """Groups of a card that more than one sign parts; anybody's figures in a column have others."""
    NARROW: Final = frozenset(" \u00a0\u202f.\u2010\u2011\u2012\u2013-")

    DIGIT: Final = re.compile(r"\d")
    IBAN_NEEDS: Final = re.compile(r"\d\d(?<=[A-Za-z]{2}\d\d)")
    """What is found in less time; most texts have none."""

    IBAN_START: Final = re.compile(r"[A-Za-z]{2}\d\d")
    IBAN_REST: Final = {
        length: re.compile(
            r"(?:GAP{0,3}[A-Za-z0-9]){REST}(?![^\W_])".replace("GAP", GAP).replace("REST", str(length - 4))
        )
        for length in frozenset(CheckDigits.IBAN_LENGTHS.values())
    }
    """What follows country and check digits, by the country's length."""

    NATIONAL: Final = NationalIds()
    PHONES: Final = Phones()
    ADDRESSES: Final = Addresses()

    def find(self, text: str) -> list[PiiMatch]:
        """What `text` holds, in order; of two that overlap the one with more proof."""
        matches: list[PiiMatch] = []
        rest = text
        for reader in self._readers(text):
            if new := list(reader(rest)):
                matches += new
                rest = self.replace(rest, new, lambda it: "\n" * (it.end - it.start))
        return sorted(matches, key=lambda it: it.start)

    @staticmethod
    def replace(text: str, matches: Iterable[PiiMatch], substitute: Callable[[PiiMatch], str]) -> str:
        """`text` with a substitute for each of `matches`."""
        parts, end = list[str](), 0
        for match in sorted(matches, key=lambda it: it.start):
            parts += [text[end : match.start], substitute(match)]
            end = match.end
        return "".join((*parts, text[end:]))

    def _readers(self, text: str) -> Iterator[Callable[[str], Iterator[PiiMatch]]]:
        """The readers that may find something: most texts need none."""
        if self.ADDRESSES.may_hold_an_email(text):
            yield self._emails
        if not self.DIGIT.search(text):
            return
        if self.IBAN_NEEDS.search(text):
            yield self._ibans
        has_row = self.ROW.search(text) is not None
        if has_row:
            yield self._cards
        if has_row or self.CODE.search(text):
            yield partial(self._matches, "national_id", self.NATIONAL.find)
        yield partial(self._matches, "ip", self.ADDRESSES.ips)
        if has_row:
            yield partial(self._matches, "phone", self.PHONES.find)

    @staticmethod
    def _matches(kind: PersonalKind, find: Finder, text: str) -> Iterator[PiiMatch]:
        """What `find` finds; of two that overlap the longer."""
        end = 0
        for start, stop in sorted(find(text), key=lambda it: (it[0], -it[1])):
            if start >= end:
                yield PiiMatch(kind, start, stop, text[start:stop].replace("%2B", "+"))
                end = stop

    def _emails(self, text: str) -> Iterator[PiiMatch]:
        yield from self._matches("email", self.ADDRESSES.emails, text)

    def _cards(self, text: str) -> Iterator[PiiMatch]:
        for row in self.DIGITS.finditer(text):
            if not self.GLUED.search(text[max(0, row.start() - self.GLUED_CHARS) : row.start()]):
                continue
            groups = list(self.GROUP.finditer(text, *row.span()))
            after = 0
            for at, first in enumerate(groups):
                if first.start() >= after and (end := self._card_end(groups, at, text)):
                    after = end
                    yield PiiMatch("card", first.start(), end, text[first.start() : end])

    def _card_end(self, groups: Sequence[re.Match[str]], first: int, text: str) -> int:
        """Where the card that begins with this group ends; 0 when none does."""
        digits, end, gaps = "", 0, set[str]()
        taken = groups[first : first + self.CARD_GROUPS]
        for at, group in enumerate(taken, 1):
            digits += group[0]
            if at > 1:
                gaps.add(text[taken[at - 2].end() : group.start()])
            if len(digits) < self.CARD_DIGITS or not CheckDigits.is_card(digits):
                continue
            if gaps <= self.NARROW or (len(gaps) == 1 and tuple(len(it[0]) for it in taken[:at]) in self.CARD_FORMS):
                end = group.end()
        return end

    def _ibans(self, text: str) -> Iterator[PiiMatch]:
        after = 0
        for start in self.IBAN_START.finditer(text):
            length = CheckDigits.IBAN_LENGTHS.get(start[0][:2].upper())
            rest = self.IBAN_REST[length].match(text, start.end()) if length and start.start() >= after else None
            if not rest:
                continue
            account = PiiMatch("iban", start.start(), rest.end(), start[0] + rest[0])
            if CheckDigits.is_iban(account.plain.upper()):
                after = rest.end()
                yield account


class PiiRules:
    """Applies the acts of one direction, in or out: each kind passes, is masked, or is refused."""

    GUARD: Final = "personal_data"
    DETECTOR: Final = PiiDetector()

    def __init__(self, acts: str) -> None:
        """Read `acts`, a setting such as `card:mask,iban:refuse`; kinds left out pass."""
        self._acts = {kind: act for kind, act in PiiPolicy.read(acts).items() if act != "pass"}

    def find(self, text: str) -> list[PiiMatch]:
        """What `text` holds of the kinds that do not pass."""
        matches = self.DETECTOR.find(text) if self._acts else ()
        return [it for it in matches if it.kind in self._acts]

    def hidden(self, text: str) -> str:
        """`text` for the audit trail: without the kinds that are masked or refused."""
        return self._masked(text, self.find(text))[0]

    def mask_input(self, message: str) -> tuple[str, list[PersonalKind]]:
        """The message with what is to be masked masked, and which kinds were.

        Raises:
            InputRefused: It holds a kind that is refused. Not a friendly answer: nothing is run,
                paid or remembered, and a program that sends such data should notice.
        """
        matches = self.find(message)
        refused = next((it.kind for it in matches if self._acts[it.kind] == "refuse"), None)
        if refused:
            AuditLog.record(self.GUARD, "refused", refused)
            raise InputRefused(
                "message",
                f"it holds personal data ({refused}); leave it out" " (the operator's setting is PERSONAL_DATA_IN)",
            )
        masked, kinds = self._masked(message, matches)
        for kind in kinds:
            AuditLog.record(self.GUARD, "masked", kind)
        return masked, kinds

    def mask_unless(self, text: str, is_given: Callable[[PiiMatch], bool]) -> tuple[str, list[PersonalKind]]:
        """`text` with what is to be masked masked, unless it was given, and which kinds were."""
        if "mask" not in self._acts.values():
            return text, []
        matches = (it for it in self.find(text) if self._acts[it.kind] == "mask")
        return self._masked(text, [it for it in matches if not is_given(it)])

    @classmethod
    def _masked(cls, text: str, matches: Sequence[PiiMatch]) -> tuple[str, list[PersonalKind]]:
        masked = cls.DETECTOR.replace(text, matches, lambda it: f"[{it.kind}]")
        return masked, sorted({it.kind for it in matches})
