"""What a turn was given, as figures: each with its unit, its row and the side that it is of."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any, Final, NamedTuple

from ..locale.locale import Locale
from ..prompts.language import Words
from .clock import Clock
from .dates import Dates
from .figures import Figure, FigureReader
from .reading import NO_SIDES, Reading, Side, Sides
from .units import Unit, Units


class Leaf(NamedTuple):
    """One text or number of the evidence, and where it stands."""

    value: Any
    key: str = ""
    unit: Unit | None = None
    """What its key or what stands beside it tells."""
    row: int = 0
    """Which item of a list it belongs to; 0: none."""


class Known(NamedTuple):
    """A figure of the evidence."""

    value: float
    unit: Unit | None
    row: int
    key: str
    sides: frozenset[Side]
    clock: int | None = None
    """Minutes since midnight; it has no value then."""


class Evidence:
    """Texts and JSON values of one turn, read once."""

    PLAIN: Final = frozenset({str, int, float, bool, type(None)})
    NAME_KEYS: Final = frozenset(
        Locale.fold(
            "name title city place product team player company country driver hotel outlet item code id category day"
            " nombre título ciudad lugar producto equipo jugador empresa país código categoría día tren"
        ).split()
    )
    """Keys whose value tells one row from another, whatever it looks like."""
    NAME_WORDS: Final = 4
    """Of a name; a longer text is a sentence. A guess."""
    SHORT_CHARS: Final = 2
    """Of a word that names nothing by itself."""
    COMMON: Final = frozenset().union(*(it.common_words for it in Dates.LOCALES))
    CHANGE_KEYS: Final = frozenset("change variation delta growth trend cambio variacion crecimiento".split())
    """Keys of figures whose sign says up or down."""
    NAME_CHARS: Final = 60
    """Longest text that may name a row. A guess."""
    SIGN_CHARS: Final = 20
    """Longest text beside a figure that may be its unit. A guess."""
    MOST_CHARS: Final = 30_000
    """Of texts that are read whole, which takes 0.2 s at the worst; of what comes after them only digits are. A guess."""
    MOST_ROWS: Final = 200
    """Rows that are told apart by name; beyond them a text is a table. A guess."""

    def __init__(self, evidence: Iterable[Any]) -> None:
        self._evidence = evidence
        self._lineages: dict[int, frozenset[int]] = {}

    @cached_property
    def leaves(self) -> list[Leaf]:
        """Every text and number, however deep."""
        self._parents: list[int] = [0]
        self._lists: list[list[Any]] = []
        found: list[Leaf] = []
        left: list[Leaf] = [Leaf(it) for it in self._evidence][::-1]
        while left:
            leaf = left.pop()
            kind = type(leaf.value)
            if kind in self.PLAIN:
                found.append(leaf._replace(unit=self._unit_of(leaf.key, leaf.unit)) if leaf.key else leaf)
            elif isinstance(leaf.value, Mapping):
                left += [*self._of_mapping(leaf)][::-1]
            elif isinstance(leaf.value, Iterable) and not isinstance(leaf.value, str | bytes):
                left += [*self._of_list(leaf)][::-1]
            else:
                found.append(leaf._replace(value=str(leaf.value)))
        return found

    def _of_mapping(self, leaf: Leaf) -> Iterator[Leaf]:
        """What a mapping holds; one of mappings, or of names with a capital, is a row for each."""
        item, row = leaf.value, leaf.row
        unit = self._unit_beside(item) or leaf.unit
        are_rows = len(item) > 1 and all(isinstance(it, Mapping) for it in item.values())
        for key, value in item.items():
            name, inner = str(key), row
            if are_rows or (not row and name[:1].isupper()):
                inner = self._new_row(row)
                yield Leaf(name, "name", None, inner)
            elif FigureReader.DIGIT.search(name):
                yield Leaf(name.replace("_", " "), "", None, row)
            yield Leaf(value, name, unit, inner)

    def _of_list(self, leaf: Leaf) -> Iterator[Leaf]:
        items = list(leaf.value)
        self._lists.append(items)
        for it in items:
            yield Leaf(it, leaf.key, leaf.unit, leaf.row if type(it) in self.PLAIN else self._new_row(leaf.row))

    def _new_row(self, parent: int) -> int:
        self._parents.append(parent)
        return len(self._parents) - 1

    def lineage(self, row: int) -> frozenset[int]:
        """A row and those that it lies in."""
        if row not in self._lineages:
            above = self.lineage(self._parents[row]) if row else frozenset[int]()
            self._lineages[row] = above | {row} if row else above
        return self._lineages[row]

    @staticmethod
    def _is_money(unit: Unit | None) -> bool:
        return unit is not None and unit.dimension == "money"

    @classmethod
    def _unit_of(cls, key: str, beside: Unit | None) -> Unit | None:
        """The unit that a key tells, of money the currency `beside` it; else the one beside it."""
        own = Units.of_key(key) if key else None
        is_open = own is None or (cls._is_money(own) and not own.codes and cls._is_money(beside))
        return beside if is_open else own

    def _unit_beside(self, item: Mapping[Any, Any]) -> Unit | None:
        """The unit that a short text beside figures names: `{"amount": 5, "currency": "EUR"}`."""
        codes = frozenset[str]()
        for value in item.values():
            if isinstance(value, str) and len(value) <= self.SIGN_CHARS and (unit := Units.read(value)):
                if not unit.codes:
                    return unit
                codes |= unit.codes
        return Unit("money", codes=codes) if codes else None

    @cached_property
    def texts(self) -> list[str]:
        """The evidence, flat."""
        return [str(it.value) for it in self.leaves]

    @property
    def keys(self) -> Iterator[str]:
        """What its facts are called, as words."""
        return (it.key.replace("_", " ") for it in self.leaves)

    @cached_property
    def known(self) -> list[Known]:
        """Its figures, the smallest value first."""
        return sorted((it for it in self._found if it.clock is None), key=lambda it: it.value)

    @cached_property
    def _found(self) -> list[Known]:
        found: list[Known] = []
        chars = 0
        for leaf in self.leaves:
            chars += len(leaf.value) if type(leaf.value) is str else 0
            is_far = type(leaf.value) is str and chars > self.MOST_CHARS
            found += self._digits(leaf) if is_far else self._figures(leaf)
        return found

    @staticmethod
    def _digits(leaf: Leaf) -> Iterator[Known]:
        """The numbers and times in a long text, each once, without what stands beside them: a hostile one has 40,000."""
        text = str(leaf.value)
        for number in {*FigureReader.NUMBER.findall(text), *FigureReader.GROUPED.findall(text)}:
            yield from (Known(value, None, leaf.row, leaf.key, NO_SIDES) for value, _ in FigureReader.readings(number))
        for hour, minute in {(it["h"], it["m"] or it["hm"]) for it in Clock.WRITTEN.finditer(text)}:
            clock = Clock.minutes("", 0, int(hour), int(minute))
            yield from (Known(0, None, leaf.row, leaf.key, NO_SIDES, it) for it in clock)

    @cached_property
    def _values(self) -> list[float]:
        return [it.value for it in self.known]

    def between(self, low: float, high: float) -> Sequence[Known]:
        """The figures from `low` to `high`."""
        return self.known[bisect_left(self._values, low) : bisect_right(self._values, high)]

    def of_dimension(self, dimension: str) -> Sequence[Known]:
        """The figures of a dimension."""
        return self._by_dimension.get(dimension, ())

    @cached_property
    def _by_dimension(self) -> Mapping[str, Sequence[Known]]:
        found: dict[str, list[Known]] = {}
        for it in self.known:
            if it.unit:
                found.setdefault(it.unit.dimension, []).append(it)
        return found

    @cached_property
    def clocks(self) -> Mapping[int, Sequence[Known]]:
        """Minute of the day -> the times that are written so."""
        found: dict[int, list[Known]] = {}
        for it in self._found:
            if it.clock is not None:
                found.setdefault(it.clock, []).append(it)
        return found

    def _figures(self, leaf: Leaf) -> Iterator[Known]:
        kind = type(leaf.value)
        if kind is int or kind is float:
            sides, is_change = self._of_key(leaf.key) if leaf.key else (NO_SIDES, False)
            if is_change:
                sides |= {Sides.DOWN if leaf.value < 0 else Sides.UP}
            yield Known(float(leaf.value), leaf.unit, leaf.row, leaf.key, sides)
        elif kind is str and FigureReader.may_hold(leaf.value):
            plain = FigureReader.blank(leaf.value, Dates.spans(leaf.value))
            if plain.isspace():  # a date and nothing else
                return
            reading = Reading(plain)
            sides, _ = self._of_key(leaf.key) if leaf.key else (NO_SIDES, False)
            for figure in reading.figures:
                yield from self._read(leaf, figure, sides or reading.sides(figure))

    @classmethod
    @lru_cache(maxsize=1024)
    def _of_key(cls, key: str) -> tuple[frozenset[Side], bool]:
        """The sides that the name of a fact tells, and whether its sign says up or down."""
        words = Words.tokenize(key)
        return Sides.of(words), not cls.CHANGE_KEYS.isdisjoint(words)

    @classmethod
    def _read(cls, leaf: Leaf, figure: Figure, sides: frozenset[Side]) -> Iterator[Known]:
        for part in figure.parts:
            yield from cls._read(leaf, part, sides)
        unit = figure.unit or (None if figure.clock else leaf.unit)
        sign = -1 if figure.is_signed else 1
        for value, _ in figure.values:
            yield Known(sign * value, unit, leaf.row, leaf.key, sides)
        if figure.clock:
            yield Known(0, None, leaf.row, leaf.key, sides, min(figure.clock))

    @cached_property
    def counts(self) -> frozenset[int]:
        """How many there are of anything: items of a list, and those of them with the same value."""
        lists = self._lists if self.leaves else []
        counts = set(map(len, lists))
        for items in lists:
            rows = [it for it in items if isinstance(it, Mapping)]
            values = Counter((k, v) for row in rows for k, v in row.items() if type(v) in self.PLAIN)
            distinct = Counter(key for key, _ in values)
            counts |= {*values.values(), *distinct.values()}
        return frozenset(counts)

    @cached_property
    def columns(self) -> Sequence[Sequence[Known]]:
        """The figures of one key over several rows."""
        found: dict[str, list[Known]] = {}
        for it in self.known:
            if it.row:
                found.setdefault(it.key, []).append(it)
        return [it for it in found.values() if len(it) > 1]

    @cached_property
    def row_names(self) -> Mapping[str, int]:
        """Folded word -> the one row that it names."""
        rows: dict[str, set[int]] = {}
        for leaf in self.leaves if len(self.leaves) and len(self._parents) <= self.MOST_ROWS else ():
            if leaf.row and type(leaf.value) is str:
                for word in self._names(leaf):
                    rows.setdefault(word, set()).add(leaf.row)
        only = {word: next(iter(found)) for word, found in rows.items() if len(found) == 1}
        plurals = {f"{word}{ending}": row for ending in ("s", "es") for word, row in only.items()}
        return plurals | only

    def _names(self, leaf: Leaf) -> Iterable[str]:
        text = leaf.value
        if Dates.may_be_whole(text) and (dates := Dates.FULL.findall(text)):
            return Dates.weekdays_in(text) if len(dates) == 1 else ()
        is_name = text[:1].isupper() or not self.NAME_KEYS.isdisjoint(Words.tokenize(leaf.key))
        if len(text) > self.NAME_CHARS or not is_name:
            return ()
        words = Words.tokenize(text)
        if len(words) > self.NAME_WORDS:
            return ()
        return [it for it in words if len(it) > self.SHORT_CHARS and it not in self.COMMON]
