"""What belongs to a person: finds addresses, phones, cards, accounts, identity numbers in a text."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address
from typing import Final

from ..settings.guards import PersonalKind
from .check_digits import CheckDigits


@dataclass(frozen=True, slots=True)
class PiiMatch:
    """One value and where it stands."""

    kind: PersonalKind
    start: int
    end: int
    text: str

    @property
    def plain(self) -> str:
        """The value in one spelling: no separators, no capitals."""
        if self.kind in ("email", "ip"):
            return self.text.casefold()
        return "".join(filter(str.isalnum, self.text)).casefold()


class PiiDetector:
    """Finds it by shape and check digit. Every pattern runs in time linear in the text.

    Not found: names, postal addresses, and phone numbers written as bare digits where no word such
    as `tel` stands before them: those are order numbers as often.
    """

    GAP: Final = r"[ \u00a0\u202f.()/\u2010-\u2013-]"
    """What people put between groups of digits."""

    ROW: Final = re.compile(r"(?:\dGAP{0,3}){7}".replace("GAP", GAP))
    """Seven digits, perhaps in groups: every phone, card and identity number has them."""

    EMAIL: Final = re.compile(
        r"(?<![\w.!#$%'+^~-])[\w.!#$%'+^~-]++@(?:[^\W_](?:[^\W_]|-)*+\.)+[^\W\d_]{2,}+"
    )
    """Letters of any script, as in RFC 6531."""

    DIGITS: Final = re.compile(
        r"(?<![^\W_])(?<![0-9A-Fa-f]{4}-)(?<!\d[.,])\d(?:[ \u00a0.\u2010-\u2013-]?\d){12,}+"
        r"(?![^\W_])"
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
        length: re.compile(
            r"(?:[ \u00a0-]?[A-Za-z0-9]){REST}(?![^\W_])".replace("REST", str(length - 4))
        )
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

    IPV4: Final = re.compile(
        r"(?<![\w.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?!\w|\.\d)"
    )
    IPV6: Final = re.compile(
        r"(?<![\w:.])(?=[0-9A-Fa-f]{0,4}:)[0-9A-Fa-f:]{2,45}+(?:\.\d{1,3}){0,3}+(?![\w:])"
    )

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
        found: list[PiiMatch] = []
        left = text
        for reader in self._readers(text):
            if new := list(reader(left)):
                left = self._blanked(left, new)
                found += new
        return sorted(found, key=lambda it: it.start)

    @staticmethod
    def _blanked(text: str, found: Sequence[PiiMatch]) -> str:
        """`text` with new lines in place of what is found, so that it is not found again."""
        kept, end = [], 0
        for each in sorted(found, key=lambda it: it.start):
            kept += [text[end : each.start], "\n" * (each.end - each.start)]
            end = each.end
        return "".join((*kept, text[end:]))

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
                found = PiiMatch("iban", start.start(), rest.end(), start[0] + rest[0])
                if CheckDigits.is_iban(found.plain.upper()):
                    yield found

    def _identities(self, text: str) -> Iterator[PiiMatch]:
        for match in self.IDENTITY.finditer(text):
            found = PiiMatch("national_id", *match.span(), match[0])
            if CheckDigits.is_identity(found.plain.upper()):
                yield found

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
            is_national = (
                not is_bare and text[start] not in "+%" and text[start : start + 2] != "00"
            )
            if is_national and self.NO_PHONE_AFTER.match(text, end):
                continue
            yield PiiMatch("phone", start, end, text[start:end].replace("%2B", "+"))
