"""Which fact of a row a figure is told of: `35 seats left` where the delay is 35 and the seats are 7."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Final

from ..locale.locale import Locale
from ..prompts.language import Words
from .dates import Dates
from .evidence import Evidence, Known, Leaf
from .figures import Figure
from .reading import Reading
from .units import Unit, Units


class Columns:
    """Compares the words beside a figure with the names of the facts, where both are of one language."""

    STEM_CHARS: Final = 5
    """Letters that must agree, of words of at least so many: `articulos` meets `artículo`. A guess."""
    SHORT_CHARS: Final = 2
    """Of a word that names nothing by itself."""
    COMMON: Final = frozenset().union(*(it.common_words for it in Dates.LOCALES))
    WITH: Final = frozenset(map(Locale.fold, Locale.beside_figures("along")))
    """Words that name what comes with a figure and is not it: `126 € with the postage`."""
    NEXT: Final = re.compile(r"[ \u00a0]([^\W\d_]+)")

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence

    def is_of_another(self, reading: Reading, figure: Figure, found: Sequence[Known]) -> bool:
        """True for a `figure` beside the name of another fact than any in which its value was `found`."""
        keys = {it.key for it in found}
        if not all(self._stems(it) for it in keys) or not self._keys or reading.has_word(figure, self.WITH):
            return False
        beside = self._of_words(self._next(reading.text, figure.stop)) or self._of_words(reading.words_before(figure))
        rows = {it.row for it in found}
        kinds = {self._kind(figure.unit), *(self._kind(it.unit) for it in found)}
        others = {it.key for it in beside if it.row in rows and self._kind(it.unit) in kinds}
        # Beside two names it may be of both: `fuel and toll are 63.50`.
        return len(others) == 1 and keys.isdisjoint(it.key for it in beside)

    @classmethod
    def _next(cls, text: str, at: int) -> Iterator[str]:
        """The word at `at`: `35 seats`."""
        if word := cls.NEXT.match(text, at):
            yield Locale.fold(word[1])

    @classmethod
    def _stem(cls, word: str) -> str:
        return word.removesuffix("s")[: cls.STEM_CHARS]

    @staticmethod
    def _kind(unit: Unit | None) -> str:
        """What could be said of both, `count` where no unit is told."""
        return unit.dimension if unit else "count"

    def _of_words(self, words: Iterable[str]) -> Sequence[Leaf]:
        return [leaf for word in words for leaf in self._keys.get(self._stem(word), ())]

    @cached_property
    def _keys(self) -> Mapping[str, Sequence[Leaf]]:
        """The beginning of a fact's name -> the numbers that have it."""
        found: dict[str, list[Leaf]] = {}
        for leaf in self._evidence.leaves:
            for stem in self._stems(leaf.key) if type(leaf.value) in (int, float) else ():
                found.setdefault(stem, []).append(leaf)
        return found

    @classmethod
    @lru_cache(maxsize=1024)
    def _stems(cls, key: str) -> frozenset[str]:
        """What tells a fact from others, without units and common words."""
        words = Words.tokenize(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", key).replace("_", " "))
        telling = [it for it in words if len(it) > cls.SHORT_CHARS and it not in cls.COMMON]
        units = {it: unit for it in telling if (unit := Units.of_key(it))}
        telling = [it for it in telling if it not in units or not (units[it].factor or units[it].codes)]
        return frozenset(map(cls._stem, telling))
