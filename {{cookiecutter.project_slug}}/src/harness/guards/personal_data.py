"""Personal data: e-mail and IP addresses, phones, cards, accounts and identity numbers, and what becomes of them."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address
from typing import ClassVar, Final

from ..errors import InputRefused
from ..settings.guards import PersonalKind, PiiPolicy
from ..telemetry.audit_log import AuditLog
from .check_digits import CheckDigits


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

    Not found: names, postal addresses, and phone numbers written as bare digits where no word such
    as `tel` stands before them: those are order numbers as often.
    """

    GAP: Final = r"[ \u00a0\u202f.()/\u2010-\u2013-]"
    """What people put between groups of digits."""

    ROW: Final = re.compile(r"(?:\dGAP{0,3}){7}".replace("GAP", GAP))
    """Seven digits, perhaps in groups: every phone, card and identity number has them."""

    EMAIL: Final = re.compile(r"(?<![\w.!#$%'+^~-])[\w.!#$%'+^~-]++@(?:[^\W_](?:[^\W_]|-)*+\.)+[^\W\d_]{2,}+")
    """Letters of any script, as in RFC 6531."""

    DIGITS: Final = re.compile(
        r"(?<![^\W_])(?<![0-9A-Fa-f]{4}-)(?<!\d[.,])\d(?:[ \u00a0.\u2010-\u2013-]?\d){12,}+" r"(?![^\W_])"
    )
    """A row that may hold a card; not a part of a UUID, a hash or a name."""

    GROUP: Final = re.compile(r"\d+")
    CARD_DIGITS: Final = 13
    """Fewest digits of a card (ISO/IEC 7812)."""
    CARD_GROUPS: Final = 5
    """Most groups of a card's number, as in 4-4-4-4-3."""

    DIGIT: Final = re.compile(r"\d")
    IBAN_NEEDS: Final = re.compile(r"\d\d(?<=[A-Za-z]{2}\d\d)")
    IPV4_NEEDS: Final = re.compile(r"\d\.\d{1,3}\.\d")
    """What is found in less time; most texts have none."""

    IBAN_START: Final = re.compile(r"(?<![^\W_])[A-Za-z]{2}\d{2}(?=[ -]?[A-Za-z0-9])")
    IBAN_REST: Final = {
        length: re.compile(r"(?:[ \u00a0-]?[A-Za-z0-9]){REST}(?![^\W_])".replace("REST", str(length - 4)))
        for length in frozenset(CheckDigits.IBAN_LENGTHS.values())
    }
    """What follows country and check digits, by the country's length."""

    IDENTITY: Final = re.compile(
        r"""
        (?<![^\W_])(?<![0-9A-Fa-f]{4}-)(?<!\d[.,-])
        (?:\d{8}|\d\d\.\d{3}\.\d{3}|[XYZxyz][ -]?\d{7}|[XYZ]-?\d\.\d{3}\.\d{3})
        (?:[ -]?[A-Z]|-?[a-z])
        (?![^\W_]|-[0-9A-Fa-f]{4})
        """,
        re.VERBOSE,
    )

    IPV4: Final = re.compile(r"(?<![\w.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?!\w|\.\d)")
    IPV6: Final = re.compile(r"(?<![\w:.])(?=[0-9A-Fa-f]{0,4}:)[0-9A-Fa-f:]{2,45}+(?:\.\d{1,3}){0,3}+(?![\w:])")

    PHONE: Final = re.compile(
        r"""
          (?: (?<![\w+])\+ | %2B | (?<![\w.,-])00(?=[1-9]) )       # a country's code
          [1-9](?:GAP{0,2}\d){7,14}+
        | (?<![^\W_])(?<!\d[ .,/-]) (?:
              \(0?\d{1,4}\)[ .-]?\d{3,4}[ .-]?\d{3,4}         # (212) 555-0123
            | [2-9]\d\d([ .-])\d{3}\1\d{4}                      # 212-555-0123, 300 123 4567
            | \d\d([ -])\d{4}\2\d{4}                            # 55 1234 5678
            | [6-9]\d\d([ -])\d{3}\3\d{3}                       # 612 345 678
            | [6-9]\d\d([ .-])\d\d\4\d\d\4\d\d                      # 612 34 56 78
            | 9\d([ -])\d{3}\5\d\d\5\d\d                          # 91 123 45 67
            | 0\d(?:[ .-]\d\d){4}                                 # 06 12 34 56 78
            | 0\d{2,4}[ -]\d{3,4}(?:[ -]?\d{3,4})             # 020 7946 0958
          )
        | (?:\b(?:tel|tel[eé]fono|telephone|phone|m[oó]vil|mobile|celular|whatsapp|fax)\b
            ["']{0,2}[ .:=]{1,3}["']{0,2}(?:(?:is|es|n[uú]mero|number|at|al)[ .:]{1,2}){0,2})
          (?P<bare>\d{7,15})                                      # tel: 612345678
        """.replace("GAP", GAP.replace(" ", r"\ ")),
        re.VERBOSE | re.IGNORECASE,
    )
    NO_PHONE_AFTER: Final = re.compile(
        r"[^\W_]|[.,/-]\d|\ \d{3}|\ ?(?:[€$£¥%]|EUR|USD|COP|MXN|euros?|d[oó]lar|dollars?|pesos?|millones)"
    )
    """What shows that the digits before it are an amount or go on."""

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
        if "@" in text:
            yield self._emails
        if not self.DIGIT.search(text):
            return
        if self.IBAN_NEEDS.search(text):
            yield self._ibans
        if has_row := self.ROW.search(text) is not None:
            yield self._cards
            yield self._identities
        if "::" in text or text.count(":") > 1 + 1 or self.IPV4_NEEDS.search(text):
            yield self._addresses
        if has_row:
            yield self._phones

    def _emails(self, text: str) -> Iterator[PiiMatch]:
        return (PiiMatch("email", *it.span(), it[0]) for it in self.EMAIL.finditer(text))

    def _cards(self, text: str) -> Iterator[PiiMatch]:
        for row in self.DIGITS.finditer(text):
            groups = list(self.GROUP.finditer(row[0]))
            after = 0
            for at, first in enumerate(groups):
                if first.start() >= after and (end := self._card_end(groups, at)):
                    after = end
                    span = row.start() + first.start(), row.start() + end
                    yield PiiMatch("card", *span, text[slice(*span)])

    def _card_end(self, groups: Sequence[re.Match[str]], first: int) -> int:
        """Where the card that begins with this group ends; 0 when none does."""
        digits, end = "", 0
        for group in groups[first : first + self.CARD_GROUPS]:
            digits += group[0]
            if len(digits) >= self.CARD_DIGITS and CheckDigits.is_card(digits):
                end = group.end()
        return end

    def _ibans(self, text: str) -> Iterator[PiiMatch]:
        for start in self.IBAN_START.finditer(text):
            length = CheckDigits.IBAN_LENGTHS.get(start[0][:2].upper())
            rest = self.IBAN_REST[length].match(text, start.end()) if length else None
            if rest:
                account = PiiMatch("iban", start.start(), rest.end(), start[0] + rest[0])
                if CheckDigits.is_iban(account.plain.upper()):
                    yield account

    def _identities(self, text: str) -> Iterator[PiiMatch]:
        for match in self.IDENTITY.finditer(text):
            identity = PiiMatch("national_id", *match.span(), match[0])
            if CheckDigits.is_identity(identity.plain.upper()):
                yield identity

    def _addresses(self, text: str) -> Iterator[PiiMatch]:
        for match in self.IPV4.finditer(text):
            yield PiiMatch("ip", *match.span(), match[0])
        for match in self.IPV6.finditer(text):
            value = match[0].rstrip(".")
            value = value if value.endswith("::") else value.removesuffix(":")
            try:
                IPv6Address(value)
            except AddressValueError:
                continue
            if any(map(str.isdigit, value)) or "::" not in value:
                yield PiiMatch("ip", match.start(), match.start() + len(value), value)

    def _phones(self, text: str) -> Iterator[PiiMatch]:
        for match in self.PHONE.finditer(text):
            is_bare = match["bare"] is not None
            start, end = match.span("bare") if is_bare else match.span()
            is_national = not is_bare and text[start] not in "+%" and text[start : start + 2] != "00"
            if is_national and self.NO_PHONE_AFTER.match(text, end):
                continue
            yield PiiMatch("phone", start, end, text[start:end].replace("%2B", "+"))


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
