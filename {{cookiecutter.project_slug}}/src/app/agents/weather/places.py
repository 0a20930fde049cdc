"""The places in a question, found by rules: prepositions, capitals, and words that are none."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import chain, pairwise
from typing import Final

from harness import LANGUAGES, Language, Locale, Words

KEYWORDS: Final[Mapping[Language, str]] = {
    "en": """
        weather, forecast, temperature, degrees, celsius, rain, rainfall, rainy, precipitation, drizzle, shower, pour,
        wet, soak, dry, umbrella, raincoat, sunscreen, sunburn, outlook, snow, hail, sleet, storm, thunder, thunderstorm, lightning, sun, sunny,
        sunshine, cloud, cloudy, overcast, sky, fog, foggy, mist, wind, windy, breeze, cold, chilly, cool, freeze, frost,
        hot, heat, warm, mild, humid, humidity, coat, jacket""",
    "es": """
        tiempo, clima, pronóstico, previsión, buen día, mal día, meteorológica, meteorológico, temperatura, grados, llueve, lluvia, lluvioso, lloverá,
        llover, lloviendo, llueva, precipitaciones, nieve, nevar, nieva, nevará, granizo, soleado, sol, nublado, nubes, cielo, niebla,
        frío, calor, caluroso, bochorno, fresco, paraguas, impermeable, tormenta, trueno, viento, chubasco, chaparrón,
        llovizna, helada, helar, helando, mojado, mojar, mojaré, mojarme, abrigo, chaqueta, humedad""",
}
"""The agent's keywords, none of which is a place."""


class Kind(Enum):
    """What a word does in a question about places."""

    NAME = auto()
    """May be a part of a place's name."""
    ARTICLE = auto()
    """Part of a name only where a name follows: `La Paz`."""
    AT = auto()
    """A place follows."""
    OF = auto()
    """A place may follow."""
    AND = auto()
    COMMA = auto()
    OTHER = auto()


@dataclass(slots=True, eq=False)
class Run:
    """Words that may name one place, and what stood before them."""

    after: Kind
    is_first: bool = False
    """True where it begins a sentence: its capital tells nothing."""

    words: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """As it is asked for."""
        return " ".join(self.words)

    @property
    def may_go_on(self) -> bool:
        """False after small words that are no article: a word with a capital begins another name."""
        return self.is_capitalised or self.words[-1].lower() in ("la", "las", "los", "el", "the", "of", "de", "del")

    @property
    def is_capitalised(self) -> bool:
        """True for `La Paz`, false for `la paz`."""
        return self.words[-1][0].isupper()


class PlaceReader:
    """Reads places off a question in English or Spanish, `bogota` as well as `Bogotá`.

    It knows no places: a word is one after a preposition of place, with a capital, or in a question of few words.
    """

    WORD: Final = re.compile(r"\w+(?:['\u2019-]\w+)*|[^\w\s]")
    GREETING: Final = re.compile(r"\bbuen[oa]s?\s+(?:d[ií]as?|tardes|noches)\b", re.IGNORECASE)
    """Taken away first, so that `Buenos` is left to begin `Buenos Aires`."""
    SMALL: Final = {
        **dict.fromkeys("in en at near".split(), Kind.AT),
        **dict.fromkeys("of de del for para to a over sobre por from desde".split(), Kind.OF),
        **dict.fromkeys("la las los el the".split(), Kind.ARTICLE),
        **dict.fromkeys("and y e or o u".split(), Kind.AND),
        ",": Kind.COMMA,
    }
    SHORT_WORDS: Final = 4
    """`weather springfield tomorrow`; in a longer question a small word is a place only where the languages' data know
    it, or behind a preposition of place: `in springfield`, but not `for dinner`, and not `in the garden`."""
    LINKS: Final = frozenset({"of", "de", "del"})
    """Inside a name where it goes on, as in `Santiago de Chile`."""
    CITY: Final = frozenset({"city", "ciudad"})
    LOCALES: Final = tuple(map(Locale.load, LANGUAGES))
    KNOWN: Final = frozenset("paz habana haya hague bronx angeles palmas serena plata cairo vegas".split()).union(
        *(it.places for it in LOCALES), *(names for it in LOCALES for names in it.names.values())
    )
    """Words of places, folded, those with an article that the languages' data leave out."""

    NO_PLACE: Final = (
        frozenset("""
        afternoon bad chance check city coming current daily day days evening expect expected general high home later low max min
        next night outside right school travel travelling trip wear work
        buen buena bueno casa ciudad dia dias fin hizo haciendo madrugada malo maxima minima noche proxima proximas proximo proximos
        siguiente siguientes tarde trabajo viajar viajo
        """.split()).union(
            *(it.function_words for it in LOCALES),
            *(
                Words.tokenize(name)
                for it in LOCALES
                for name in (*chain(*it.weekdays, *it.months, *it.relative_days.values()), *it.numbers)
            ),
            *(Words.forms(word) for words in KEYWORDS.values() for word in Words.tokenize(words)),
        )
        - {"buenos"}
    )

    def places(self, question: str) -> list[str]:
        """The places in order, each once; `Paris, Texas` is one place."""
        runs = self._runs(self.WORD.findall(self.GREETING.sub(" ", question)))
        is_short = len(question.split()) <= self.SHORT_WORDS
        may_be = [run for run in runs if self._may_be_place(run, is_short=is_short)]
        strung = [run for run, then in pairwise(may_be) if then.after in (Kind.AND, Kind.COMMA)]
        sure = [run for run in may_be if not run.is_first or self._is_known(run) or run in strung]
        found = self._chosen(sure or may_be)
        if len(found) == 2 and found[1].after is Kind.COMMA:
            return [f"{found[0].name}, {found[1].name}"]
        return list(dict.fromkeys(run.name for run in found))

    def _may_be_place(self, run: Run, *, is_short: bool) -> bool:
        if run.is_capitalised or self._is_known(run):
            return True
        if self._kind(run.words[0]) is Kind.ARTICLE:
            return False
        return is_short or run.after in (Kind.AT, Kind.AND, Kind.COMMA)

    def _is_known(self, run: Run) -> bool:
        return not self.KNOWN.isdisjoint(map(Words.strip_accents, run.words))

    def _chosen(self, runs: Sequence[Run]) -> list[Run]:
        """The runs that most surely are places, and what is strung to them by commas or `and`."""
        sure = [run for run in runs if run.after is Kind.AT]
        for more in (
            [run for run in runs if run.is_capitalised],
            [run for run in runs if run.after is Kind.OF],
            list(runs),
        ):
            sure = sure or more
        needs_capital = any(run.is_capitalised for run in sure)
        certain = frozenset(sure)
        chosen: list[Run] = []
        for at, run in enumerate(runs):
            strung = run.after in (Kind.AND, Kind.COMMA) and chosen[-1:] == runs[at - 1 : at]
            if run in certain or (strung and run.is_capitalised >= needs_capital):
                chosen.append(run)
        return chosen

    def _runs(self, words: Sequence[str]) -> list[Run]:
        runs: list[Run] = []
        run: Run | None = None
        before = Kind.OTHER
        for at, word in enumerate(words):
            kind = self._kind(word)
            if self._is_in_name(word, words[at + 1 : at + 3], run, before):
                if run is None or (word[0].isupper() and not run.may_go_on):  # `tendrá Lima`
                    run = Run(before, is_first=at == 0 or words[at - 1] in ".?!¿¡:")
                    runs.append(run)
                run.words.append(word)
                continue
            if kind in (Kind.AND, Kind.COMMA) and run is None and before not in (Kind.AND, Kind.COMMA):
                kind = Kind.OTHER  # strings nothing together
            if kind is not Kind.ARTICLE:
                before = kind
            run = None
        return runs

    def _is_in_name(self, word: str, rest: Sequence[str], run: Run | None, before: Kind) -> bool:
        folded = Words.strip_accents(word)
        kind = self._kind(word)
        if folded in self.CITY:  # `Mexico City`, `Ciudad Real`, but `the city of Lima`
            return run is not None or (word.istitle() and before is not Kind.OTHER)
        if kind is Kind.ARTICLE:
            starts = before is not Kind.OTHER or word[0].isupper()
            return (run is not None or starts) and self._name_follows(rest)
        if folded in self.LINKS:
            return run is not None and self._name_follows(rest)
        return kind is Kind.NAME

    def _name_follows(self, rest: Sequence[str]) -> bool:
        """True for `la Paz` in the next words, false for `la mañana`."""
        for word in rest:
            kind = self._kind(word)
            if kind is not Kind.ARTICLE:
                return kind is Kind.NAME
        return False

    def _kind(self, word: str) -> Kind:
        folded = Words.strip_accents(word)
        if folded in self.SMALL:
            return self.SMALL[folded]
        is_name = word[0].isalpha() and folded not in self.NO_PLACE
        return Kind.NAME if is_name else Kind.OTHER
