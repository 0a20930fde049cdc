"""Grounding: numbers, dates, currencies and names of an answer that the facts of its turn do not have."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from ..locale.locale import Locale
from ..prompts.language import Words
from .arithmetic import Arithmetic, Rounding
from .dates import Dates
from .evidence import Evidence, Known, Side, Sides
from .figures import Figure, FigureReader
from .units import Units
from .names import ProperNouns


class Grounding:
    """Checks a text against evidence. docs/grounding.md says what it sees and what it does not."""

    LIST_MARKER: Final = re.compile(
        rf"^[^\S\n]*[*_#>-]*[^\S\n]*[*_]*(?:(?:{Locale.pattern(Locale.beside_figures('enumerators'))})\s)?"
        r"\d{1,2}[.):]\**(?=\s)",
        re.MULTILINE | re.IGNORECASE,
    )
    MONEY: Final = frozenset(map(str.lower, Units.CURRENCIES))
    SIGN: Final = re.compile(Locale.pattern(it for it in Units.CURRENCIES if not it.isalpha()))
    SIGN_OR_WORD: Final = re.compile(f"{SIGN.pattern}|{Dates.WORD.pattern}")
    BEFORE_AMOUNT: Final = re.compile(
        rf"(?:\d|\b(?:{Locale.pattern(*(it.before_amount for it in Dates.LOCALES))}))\s?(?:[a-z]+\s)?\Z", re.IGNORECASE
    )
    BEFORE_AMOUNT_CHARS: Final = 24
    """How far back that is looked for: a million and an adjective."""
    END: Final = re.compile(r"[.!?;](?=\s|\Z)|\n")
    """Of a sentence, within which figures belong together."""
    COMPARE: Final = re.compile(
        rf"(?<!\w)(?:{Locale.pattern(Locale.beside_figures('compare'))})(?!\w)", re.IGNORECASE
    )
    CODE: Final = re.compile(r"[\w-]*[^\W\d_][\w-]*\Z")
    CODE_REST: Final = re.compile(r"[\w-]*")
    PHONE: Final = re.compile(r"\d(?:[ .()/\u00a0-]{0,2}\d){6,}")
    PHONE_DIGITS: Final = 6
    """Fewest digits of which a part of a telephone number is told by its digits alone."""
    DAY: Final = re.compile(
        rf"(?<!\w)(?:{Locale.pattern(*(it.article for it in Dates.LOCALES))}|día|dia|day|del|al)\s\Z", re.IGNORECASE
    )
    ORDINAL: Final = re.compile(rf"(?:{Dates.SIGNS})(?!\w)")
    MONTH_DAYS: Final = 31
    ARTICLES: Final = frozenset(Locale.beside_figures("articles"))
    """Numbers that are articles as often: `una semana`."""

    def __init__(self, evidence: Iterable[Any], said: Iterable[str] = ()) -> None:
        """Take `evidence`: texts and JSON values, such as the facts and the question.

        What our own code `said`, read only when it is needed, supports dates, currencies and names,
        and no number.
        """
        self._evidence = Evidence(evidence)
        self._said = said

    def unsupported(self, answer: str, *, is_known: bool = True) -> list[str]:
        """The figures of `answer` that no evidence holds, as written; empty when grounded.

        With `is_known` false `answer` is in a language without data: only its digits are checked, signs
        and codes of currencies.
        """
        plain = self.LIST_MARKER.sub(lambda it: " " * len(it[0]), answer)
        words = frozenset(Dates.WORD.findall(plain))
        has_months = is_known and not words.isdisjoint(Dates.NAMES)
        has_digits = any(map(str.isdigit, plain))
        has_date = has_months or (has_digits and Dates.FULL.search(plain) is not None)
        has_currency = self.SIGN.search(plain) or not self.MONEY.isdisjoint(map(str.lower, words))
        bare = plain
        for start, end in Dates.spans(plain, has_months=has_months) if has_date else ():
            bare = FigureReader.blank(bare, start, end)
        numbers = self._unsupported_numbers(bare, is_known=is_known)
        if (has_date or has_currency) and answer in self._words_said:
            has_date = has_currency = False  # every word of it is our own code's
        dates = self._dates.unsupported(plain) if has_date else ()
        currencies = self._unsupported_currencies(plain) if has_currency else ()
        if not is_known:
            currencies = (it for it in currencies if it.isupper() or not it.isalpha())
        return list(dict.fromkeys([*numbers, *dates, *currencies]))

    def unsupported_names(self, answer: str) -> list[str]:
        """The names of `answer` that the evidence does not have, as written."""
        return self._names.unsupported(answer)

    @property
    def texts(self) -> list[str]:
        """The evidence, flat."""
        return self._evidence.texts

    @cached_property
    def _names(self) -> ProperNouns:
        return ProperNouns(lambda: self.texts, lambda: self._words_said)

    @cached_property
    def _words_said(self) -> list[str]:
        return list(self._said)

    @cached_property
    def _dates(self) -> Dates:
        return Dates(" ".join((*self.texts, *self._words_said)))

    @cached_property
    def _arithmetic(self) -> Arithmetic:
        return Arithmetic(self._evidence)

    def _unsupported_numbers(self, text: str, *, is_known: bool) -> Iterator[str]:
        figures = [it for it in FigureReader.read(text) if not it.is_word or (is_known and it.text not in self.ARTICLES)]
        for figure in figures:
            if not self._has_figure(text, figure, figures, is_known=is_known):
                yield figure.text

    def _has_figure(self, text: str, figure: Figure, figures: Sequence[Figure], *, is_known: bool) -> bool:
        found = [it for minute in figure.clock for it in self._evidence.clocks.get(minute, ())]
        if not found and figure.parts:
            return all(self._has_figure(text, it, figures, is_known=is_known) for it in figure.parts)
        sides = Sides.beside(text, figure, figures) if is_known else frozenset[Side]()
        found += self._of_value(figure, sides)
        contrary = Sides.contrary(sides)
        found = [it for it in found if it.sides.isdisjoint(contrary) or not it.sides.isdisjoint(sides)]
        start, end = self._sentence(text, figure)
        if any(not it.row for it in found) or (found and not is_known):
            return True
        if found:
            alike = [it for it in figures if start <= it.start < end and self._is_alike(it, figure)]
            rows = self._rows(text, start, end, figure, alike)
            if not rows or any(self._is_in(it, rows) for it in found):
                return True
        if self._is_part_of_code(text, figure) or self._is_day(text, figure, is_known=is_known):
            return True
        beside = [it for it in figures if start <= it.start < end]
        return self._arithmetic.explains(figure, text[start:end], beside)

    @staticmethod
    def _is_alike(one: Figure, other: Figure) -> bool:
        """True for two figures that could be of the same column."""
        return one.unit == other.unit and bool(one.clock) == bool(other.clock)

    def _of_value(self, figure: Figure, sides: frozenset[Side]) -> list[Known]:
        """The figures of the evidence that round to this one, converted into its unit."""
        return [it for value, step in figure.values for it in self._near(figure, value, step, sides)]

    def _near(self, figure: Figure, value: float, step: float, sides: frozenset[Side]) -> Iterator[Known]:
        slack, unit = Rounding.slack(value, step, figure.rough), figure.unit
        low = value - (slack if figure.rough != "over" else step / 2)
        high = value + (slack if figure.rough != "under" else step / 2)
        is_down = (Sides.DIRECTION, 1) in sides
        for sign in (1, -1):
            ends = (low, high) if sign > 0 else (-high, -low)
            for known in self._evidence.between(*ends):
                if self._has_sign(figure, known, sign, is_down=is_down) and self._has_unit(figure, known):
                    yield known
            for known in self._evidence.of_dimension(unit.dimension) if unit and unit.factor else ():
                if unit and known.unit and known.unit.factor and known.unit != unit and known.unit.meets(unit):
                    if ends[0] <= known.unit.convert(known.value, unit) <= ends[1]:
                        if self._has_sign(figure, known, sign, is_down=is_down):
                            yield known
        if unit and unit.dimension == "share":  # `0.25` -> 25 %
            for known in self._evidence.between(low / Arithmetic.WHOLE, high / Arithmetic.WHOLE):
                if known.unit is None and abs(known.value) < 1:
                    yield known

    @staticmethod
    def _has_sign(figure: Figure, known: Known, sign: int, *, is_down: bool) -> bool:
        """True where the evidence has the sign that is said: -5 is `-5`, `5 below zero`, `fell by 5`, and no `5`."""
        if figure.is_signed:
            return sign < 0 or (Sides.DIRECTION, 1) in known.sides
        return sign > 0 or is_down or known.value == 0

    @staticmethod
    def _has_unit(figure: Figure, known: Known) -> bool:
        one, other = figure.unit, known.unit
        if one is None or other is None:
            return True
        return one.meets(other) and (one.factor is None or other.factor is None or one.factor == other.factor)

    def _sentence(self, text: str, figure: Figure) -> tuple[int, int]:
        start = max((it.end() for it in self.END.finditer(text, 0, figure.start)), default=0)
        end = self.END.search(text, figure.stop)
        return start, end.start() if end else len(text)

    def _rows(self, text: str, start: int, end: int, figure: Figure, beside: Sequence[Figure]) -> frozenset[int]:
        """The rows that a figure may be of, by the names in its sentence; none where it names none."""
        names = self._evidence.row_names
        places: list[tuple[int, int]] = []
        for match in re.finditer(r"[\w']+", text[start:end]) if names else ():
            row = names.get(Evidence.stem(Words.strip_accents(match[0].removesuffix("'s"))))
            if row and not (places and places[-1][1] == row):
                places.append((start + match.start(), row))
        rows = [row for _, row in places]
        if len(set(rows)) < 2:  # noqa: PLR2004 - one row is named
            return frozenset() if self.COMPARE.search(text, start, end) else frozenset(rows)
        if len(rows) != len(beside):
            return frozenset(rows)
        order = sorted([*((at, True) for at, _ in places), *((it.start, False) for it in beside)])
        kinds = [is_name for _, is_name in order]
        half = len(rows)
        in_turn = all(kinds[::2]) != all(kinds[1::2]) and (not any(kinds[::2]) or not any(kinds[1::2]))
        if in_turn or all(kinds[:half]):  # `Lima 24, Quito 18`; `24 in Lima, 18 in Quito`; `Lima and Quito: 24 and 18`
            return frozenset({rows[beside.index(figure)]}) if figure in beside else frozenset(rows)
        return frozenset(rows)

    def _is_in(self, known: Known, rows: frozenset[int]) -> bool:
        own = self._evidence.lineage(known.row)
        return not own.isdisjoint(rows) or any(known.row in self._evidence.lineage(it) for it in rows)

    def _is_part_of_code(self, text: str, figure: Figure) -> bool:
        """True for digits of a code or a telephone number that the evidence has."""
        if lead := self.CODE.search(text, max(0, figure.start - FigureReader.NEAR_CHARS), figure.start):
            rest = self.CODE_REST.match(text, figure.start)
            return Words.strip_accents(lead[0] + (rest[0] if rest else "")) in self._codes_and_numbers
        if not figure.values:
            return figure.text in self._codes_and_numbers
        digits = "".join(filter(str.isdigit, figure.text))
        return len(digits) >= self.PHONE_DIGITS and any(digits in it for it in self._phones)

    @cached_property
    def _codes_and_numbers(self) -> frozenset[str]:
        texts = [it for it in self.texts if any(map(str.isdigit, it))]
        codes = (it for text in texts for it in re.findall(r"[\w-]*\d[\w-]*", text))
        return frozenset((*map(Words.strip_accents, codes), *(n for it in texts for n in FigureReader.NUMBER.findall(it))))

    @cached_property
    def _phones(self) -> Sequence[str]:
        found = (it for text in self.texts for it in self.PHONE.findall(text))
        return ["".join(filter(str.isdigit, it)) for it in found]

    def _is_day(self, text: str, figure: Figure, *, is_known: bool) -> bool:
        """True for a year or a day of the month that a date of the evidence has."""
        value = figure.values[0][0] if figure.values and figure.unit is None else 0
        if not is_known:
            return value in self._dates.parts
        if value in FigureReader.YEARS:
            return int(value) in self._dates.years
        if not 1 <= value <= self.MONTH_DAYS or figure.is_word:
            return False
        near = max(0, figure.start - FigureReader.NEAR_CHARS)
        if self.DAY.search(text, near, figure.start) or self.ORDINAL.match(text, figure.stop):
            return int(value) in self._dates.days
        return False

    def _unsupported_currencies(self, answer: str) -> Iterator[str]:
        """Those of `answer` that neither the evidence nor a key of it names, as written."""
        for text, start, codes in self._currencies_in(answer):
            near = max(0, start - self.BEFORE_AMOUNT_CHARS), start
            if codes.isdisjoint(self._codes) and (
                text.isupper() or not text.isalpha() or self.BEFORE_AMOUNT.search(answer, *near)
            ):  # `5 pounds`, but not `the pounds he lost`
                yield text

    @cached_property
    def _codes(self) -> frozenset[str]:
        """The currencies that the evidence may mean; `price_eur` is a key that tells one."""
        texts = (*self.texts, *(it.key.replace("_", " ") for it in self._evidence.leaves), *self._words_said)
        mentions = self._currencies_in(" ".join(texts).upper())
        return frozenset().union(*(codes for _, _, codes in mentions))

    @classmethod
    def _currencies_in(cls, text: str) -> Iterator[tuple[str, int, frozenset[str]]]:
        """Each mention: as written, where, and the codes that it may mean."""
        for match in cls.SIGN_OR_WORD.finditer(text):
            word = match[0]
            if codes := Units.CURRENCIES.get(word) or Units.CURRENCIES.get(word.lower()):
                yield word, match.start(), codes
