"""Grounding: numbers, dates, currencies and names of an answer that the facts of its turn do not have."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, Final

from ..locale.locale import Locale
from ..prompts.language import Language, Words
from .arithmetic import Arithmetic, Rounding
from .claims import Claims
from .columns import Columns
from .currencies import Currencies
from .dates import Dates
from .evidence import Evidence, Known
from .figures import Figure, FigureReader, Lead
from .names import ProperNouns
from .reading import NO_SIDES, Reading, Side, Sides
from .units import Unit


class Grounding:
    """Checks a text against evidence. docs/grounding.md says what it sees and what it does not."""

    LIST_MARKER: Final = re.compile(
        rf"^[^\S\n]*[*_#>-]*[^\S\n]*[*_]*(?:(?:{Locale.pattern(Locale.beside_figures('enumerators'))})\s)?"
        r"\d{1,2}[.):]\**(?=\s)",
        re.MULTILINE | re.IGNORECASE,
    )
    COMPARE: Final = frozenset(map(Locale.fold, Locale.beside_figures("compare")))
    """Words of sentences that set one row against another."""
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
    """Most that a month has."""
    ARTICLES: Final = frozenset(Locale.beside_figures("articles"))
    """Numbers that are articles as often: `una semana`."""

    def __init__(self, evidence: Iterable[Any], said: Iterable[str] = ()) -> None:
        """Take `evidence`: texts and JSON values, such as the facts and the question.

        What our own code `said`, read only when it is needed, supports dates, currencies and names,
        and no number.
        """
        self._evidence = Evidence(evidence)
        self._said = said

    def unsupported(self, answer: str, *, is_known: bool = True, language: Language | None = None) -> list[str]:
        """The figures of `answer` that no evidence holds, as written; empty when grounded.

        With `is_known` false `answer` is in a language without data: only its digits are checked, signs
        and codes of currencies. Numbers in words are those of its `language`, where that is clear.
        """
        has_list = "\n" in answer or self.LIST_MARKER.match(answer)
        plain = self.LIST_MARKER.sub(lambda it: " " * len(it[0]), answer) if has_list else answer
        words = frozenset(Dates.WORD.findall(plain))
        has_months = is_known and not words.isdisjoint(Dates.NAMES)
        has_date = has_months or Dates.may_be_whole(plain)
        has_currency = Currencies.may_be_in(plain, words)
        bare = FigureReader.blank(plain, Dates.spans(plain)) if has_date else plain
        numbers = self._unsupported_numbers(bare, is_known=is_known, language=language)
        if (has_date or has_currency) and answer in self._words_said:
            has_date = has_currency = False  # every word of it is our own code's
        dates = self._dates.unsupported(plain) if has_date else ()
        currencies = self._currencies.unsupported(plain) if has_currency else ()
        if not is_known:
            currencies = (it for it in currencies if it.isupper() or not it.isalpha())
        return list(dict.fromkeys([*numbers, *dates, *currencies]))

    def unsupported_names(self, answer: str) -> list[str]:
        """The names of `answer` that the evidence does not have, as written."""
        return self._names.unsupported(answer)

    def contradicted(self, answer: str) -> list[str]:
        """The sentences of `answer` whose contrary stands in the evidence, as written."""
        return self._claims.contradicted(answer)

    def unknown_anywhere(self, text: str) -> list[str]:
        """The words of `text` with a capital that the evidence does not have, at its beginning and in capitals too."""
        return self._names.unknown_anywhere(text)

    @property
    def texts(self) -> list[str]:
        """The evidence, flat."""
        return self._evidence.texts

    @cached_property
    def _claims(self) -> Claims:
        return Claims(self._evidence.leaves)

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
    def _currencies(self) -> Currencies:
        return Currencies(lambda: (*self.texts, *self._evidence.keys, *self._words_said))

    @cached_property
    def _columns(self) -> Columns:
        return Columns(self._evidence)

    @cached_property
    def _arithmetic(self) -> Arithmetic:
        return Arithmetic(self._evidence)

    def _unsupported_numbers(self, text: str, *, is_known: bool, language: Language | None) -> Iterator[str]:
        reading = Reading(text, has_words=is_known, language=language)
        for figure in reading.figures:
            if not (figure.is_word and figure.text in self.ARTICLES) and not self._has_figure(
                reading, figure, is_known=is_known
            ):
                yield figure.text

    def _has_figure(self, reading: Reading, figure: Figure, *, is_known: bool) -> bool:
        text = reading.text
        if self._is_code(text, figure):
            return self._is_part_of_code(text, figure)
        found = [it for minute in figure.clock for it in self._evidence.clocks.get(minute, ())]
        if not found and figure.parts:
            return all(self._has_figure(reading, it, is_known=is_known) for it in figure.parts)
        sides = reading.sides(figure)
        found += self._of_value(figure, sides)
        is_of_another = bool(found)
        if sides and not figure.parts:
            contrary = Sides.contrary(sides)
            found = [it for it in found if it.sides.isdisjoint(contrary) or not it.sides.isdisjoint(sides)]
        if found and reading.goes_wrong_way(figure):
            return False
        if found and is_known and self._is_of_another_column(reading, figure, found):
            return self._is_explained(reading, figure)
        if found and (not is_known or self._is_of_its_row(reading, figure, found)):
            return True
        if self._is_part_of_code(text, figure) or self._is_day(text, figure, is_known=is_known):
            return True
        # What was found in another sense must not be worked out in this one.
        return not (is_of_another or self._has_other_sign(figure)) and self._is_explained(reading, figure)

    def _is_of_another_column(self, reading: Reading, figure: Figure, found: Sequence[Known]) -> bool:
        return not reading.has_word(figure, self.COMPARE) and self._columns.is_of_another(reading, figure, found)

    def _is_explained(self, reading: Reading, figure: Figure) -> bool:
        if reading.is_score(figure):
            return False
        start, end = reading.sentence(figure)
        text = reading.text
        return self._arithmetic.explains(figure, text[start:end], reading.beside(figure))

    def _is_of_its_row(self, reading: Reading, figure: Figure, found: Sequence[Known]) -> bool:
        if any(not it.row for it in found) or not self._evidence.row_names:
            return True
        rows = self._rows(reading, figure)
        if not rows or any(self._is_in(it, rows) for it in found):
            return True
        return len(rows) == 1 and reading.has_word(figure, self.COMPARE)

    @staticmethod
    def _is_alike(one: Figure, other: Figure) -> bool:
        """True for two figures that could be of the same column."""
        are_units = one.unit is None or other.unit is None or one.unit.dimension == other.unit.dimension
        return are_units and bool(one.clock) == bool(other.clock)

    def _of_value(self, figure: Figure, sides: frozenset[Side]) -> list[Known]:
        """The figures of the evidence that round to this one, converted into its unit."""
        found: list[Known] = []
        for value, step in figure.values:
            slack = Rounding.slack(value, step, figure.rough)
            low = value - (slack if figure.rough != "over" else step / 2)
            high = value + (slack if figure.rough != "under" else step / 2)
            if figure.is_signed or Sides.DOWN in sides:  # -5 is `-5`, `5 below zero`, `fell by 5`, and no `5`
                found += self._near(figure, -high, -low)
            if not figure.is_signed:
                found += self._near(figure, low, high)
            elif fallen := [it for it in self._near(figure, low, high) if Sides.DOWN in it.sides]:
                found += fallen
        return found

    def _has_other_sign(self, figure: Figure) -> bool:
        return any(self._near(figure, -value - step / 2, step / 2 - value) for value, step in figure.values if value)

    def _near(self, figure: Figure, low: float, high: float) -> Sequence[Known]:
        unit = figure.unit
        if found := [
            it
            for it in self._evidence.between(low, high)
            if unit is None or it.unit is None or self._has_unit(unit, it.unit)
        ]:
            return found
        if unit is None:
            return ()
        if unit.factor:
            known = self._evidence.of_dimension(unit.dimension)
            value = (low + high) / 2
            if unit.dimension != "temperature" and not figure.rough:  # its zero lies anywhere
                least, most = sorted((value * (1 - Rounding.CONVERTED), value * (1 + Rounding.CONVERTED)))
                low, high = max(low, least), min(high, most)
            found = [
                it for it in known if it.unit and it.unit.factor and low <= it.unit.convert(it.value, unit) <= high
            ]
        if not found and unit.dimension == "share":  # `0.25` -> 25 %
            parts = self._evidence.between(low / Arithmetic.WHOLE, high / Arithmetic.WHOLE)
            found = [it for it in parts if it.unit is None and abs(it.value) < 1]
        return found

    @staticmethod
    def _has_unit(one: Unit, other: Unit) -> bool:
        return one.meets(other) and (one.factor is None or other.factor is None or one.factor == other.factor)

    def _rows(self, reading: Reading, figure: Figure) -> frozenset[int]:
        """The rows that a figure may be of, by the names in its sentence; none where it names none."""
        places = reading.places(figure, self._evidence.row_names)
        rows = [row for _, row in places]
        if len(set(rows)) == 1:
            return frozenset(rows)
        beside = [it for it in reading.beside(figure) if self._is_alike(it, figure)] if rows else []
        beside = [it for it in beside if it is figure or any(known.row for known in self._of_value(it, NO_SIDES))]
        if len(rows) != len(beside) or figure not in beside:
            return frozenset(rows)
        order = sorted([*((at, True) for at, _ in places), *((it.start, False) for it in beside)])
        kinds = [is_name for _, is_name in order]
        is_in_turn = len(set(kinds[::2])) == 1 and len(set(kinds[1::2])) == 1
        if is_in_turn or all(kinds[: len(rows)]):
            # `Lima 24, Quito 18`; `24 in Lima, 18 in Quito`; `Lima and Quito: 24 and 18`
            return frozenset({rows[beside.index(figure)]})
        return frozenset(rows)

    def _is_in(self, known: Known, rows: frozenset[int]) -> bool:
        own = self._evidence.lineage(known.row)
        return not own.isdisjoint(rows) or any(known.row in self._evidence.lineage(it) for it in rows)

    @staticmethod
    def _is_code(text: str, figure: Figure) -> bool:
        """True for digits that a letter is glued to, such as `Q3`; not for `EUR5`."""
        lead = text[figure.start - 1 : figure.start]
        return lead.isascii() and lead.isalpha() and not (figure.unit and figure.unit.codes)

    def _is_part_of_code(self, text: str, figure: Figure) -> bool:
        """True for digits of a code or a telephone number that the evidence has."""
        if lead := self.CODE.search(text, max(0, figure.start - Lead.CHARS), figure.start):
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
        return frozenset(
            (*map(Words.strip_accents, codes), *(n for it in texts for n in FigureReader.NUMBER.findall(it)))
        )

    @cached_property
    def _phones(self) -> Sequence[str]:
        found = (it for text in self.texts for it in self.PHONE.findall(text))
        return ["".join(filter(str.isdigit, it)) for it in found]

    def _is_day(self, text: str, figure: Figure, *, is_known: bool) -> bool:
        """True for a year or a day of the month that a date of the evidence has."""
        value = figure.values[0][0] if figure.values and figure.unit is None else 0
        if not is_known:
            return value in self._dates.parts
        if text[figure.start - 1 : figure.start] == "/" or text[figure.stop : figure.stop + 1] == "/":
            return self._dates.has_pair(text, figure.start)
        if value in FigureReader.YEARS:
            return int(value) in self._dates.years
        if not 1 <= value <= self.MONTH_DAYS or figure.is_word:
            return False
        near = max(0, figure.start - Lead.CHARS)
        if self.DAY.search(text, near, figure.start) or self.ORDINAL.match(text, figure.stop):
            return int(value) in self._dates.days
        return False
