"""What is known of one language: names of months, currencies and countries, common words, fixed sentences."""

import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, ClassVar, Final, Literal, Self, TypeVar

from ..errors import ConfigurationError
from ..project import Project

K = TypeVar("K")


class Locale:
    """Reads the file of a language: the harness's own, or the owner's in `src/app/locale`."""

    SHIPPED: Final = ("en", "es")
    """Those whose files lie beside this one."""

    LENGTHS: Final = {"months": 12, "weekdays": 7, "weekdays_short": 7}
    """What a file must have, whole; the other fields may be missing."""

    MARKS: Final = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+")
    """The blocks of Unicode that combine with a letter."""

    configured: ClassVar[str] = Project.load().language
    """The language of what another one lacks: `LANGUAGE` from the start on."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.name: str = data["name"]
        """What the language calls itself; prompts name it to a model."""
        self.months = self._spellings(data["months"])
        """From January on, every spelling of each, its name first."""
        self.weekdays = self._spellings(data["weekdays"])
        """As `date.weekday` counts; every spelling of each, its name first."""
        self.weekdays_short = self._spellings(data["weekdays_short"])
        self.days = self._spellings(data.get("days", []))
        """The days of a month in words, from `first` on."""
        self.many_days: Mapping[str, str] = data.get("many_days", {})
        """Weekdays, such as `56` -> the folded expressions that stand for all of them."""
        self.relative_days = self._words(data.get("relative_days", {}), self.fold)
        """Key, the same in each language -> folded words for a day that is told from today: `tomorrow`."""
        self.link = self._split(data, "link")
        """Between a day and its month: `22 de marzo`."""
        self.article = self._split(data, "article")
        self.range = self._split(data, "range")
        """Between two weekdays that stand for those between them too."""
        self.ordinal_signs = self._split(data, "ordinal_signs")
        self.before_month = self._split(data, "before_month")
        """What stands before a month that is named without a day."""
        self.before_amount = self._split(data, "before_amount")
        """What stands before a currency, where no number does."""
        self.currencies = self._words(data.get("currencies", {}))
        """Code (ISO 4217) -> itself, its signs, and what its amounts are called."""
        self.names = self._words(data.get("names", {}), self.fold)
        """Key, the same in each language -> folded names, of countries by their ISO code."""
        self.names_nothing = frozenset(map(self.fold, self._split(data, "names_nothing")))
        """Folded words that are written with a capital and name nothing that could be invented."""
        self.common_words = frozenset(map(self.fold, self._split(data, "common_words")))
        """Folded words that are in most sentences: the language is told by them."""
        self.courtesies = frozenset(map(self.fold, self._split(data, "courtesies")))
        """Folded words of a greeting or a thanks."""
        self.describing_words = frozenset(map(self.fold, self._split(data, "describing_words")))
        """Folded words that are in the description of any agent."""
        self.signs = self._split(data, "signs")
        """Letters, or words with their accents, that are in no other of the languages."""
        self.messages: Mapping[str, str] = data.get("messages", {})
        """Fixed sentences, by their names in `prompts/messages.toml`; of the owner's file."""
        self.kinds: Mapping[str, str] = data.get("kinds", {})
        """What the kinds of personal data are called."""
        self.prompts: Mapping[str, str] = data.get("prompts", {})
        """Shared prompts, by their names in `prompts/shared.toml`."""

        self._read_claims(data)
        self._read_questions(data)

    def _read_claims(self, data: Mapping[str, Any]) -> None:
        """What the guard against inventions reads besides."""
        self.places = frozenset(self._split(data, "places"))
        """Folded names of countries and of cities that name time zones."""
        self.numbers = {word: int(key) for key, words in data.get("numbers", {}).items() for word in words.split()}
        """Words of numbers, such as `thirty` -> 30."""
        self.units = self._phrases(data.get("units", {}))
        """Unit, by its name in `guards/units.toml` -> what it is called."""
        self.figures = self._phrases(data.get("figures", {}))
        """What stands beside a figure and changes what it says: `about`, `minus`, `am`."""
        self.opposites = {
            name: tuple(frozenset(map(self.fold, side.split())) for side in text.split("/"))
            for name, text in data.get("opposites", {}).items()
        }
        """Folded words of two sides, the second the contrary of the first."""
        negation = data.get("negation", {})
        self.negations = frozenset(map(self.fold, self._split(negation, "words")))
        """Folded words that turn a sentence into its contrary."""
        self.reservations = frozenset(map(self.fold, self._split(negation, "skip")))
        """Folded words after which a sentence says two things at once."""

    def _read_questions(self, data: Mapping[str, Any]) -> None:
        """What the rules that read a question know besides."""
        self.function_words = self.common_words | self.courtesies | frozenset(self._split(data, "function_words"))
        """Folded words that say nothing of what a question is about; the common ones and courtesies too."""
        self.idioms = self._phrases({"": data.get("idioms", "")})[""]
        """In which a word that agents have as a keyword means something else: `in order to`."""
        asker = data.get("asker", {})
        self.introductions = self._phrases({"": asker.get("introductions", "")})[""]
        """What somebody begins with who says who asks: `my name is`."""
        self.people = self._split(asker, "people")
        """What somebody is called who asks, or for whom."""
        self.describes_before: bool = asker.get("adjectives", "before") == "before"
        """Whether what describes a person stands before the noun."""

    @classmethod
    @cache
    def languages(cls) -> tuple[str, ...]:
        """Every language that there is a file for.

        Raises:
            ConfigurationError: A file of the owner's is named otherwise than a language.
        """
        folder = cls._folders()[-1]
        own = sorted(it.name for it in folder.iterdir() if it.name.endswith(".toml")) if folder.is_dir() else []
        codes = [name.removesuffix(".toml") for name in own]
        if wrong := [code for code in codes if not Project.LANGUAGE.fullmatch(code)]:
            raise ConfigurationError(
                [f"src/app/locale/{it}.toml: name it like a language, pt or pt-BR" for it in wrong]
            )
        return tuple(dict.fromkeys((*cls.SHIPPED, *codes)))

    @classmethod
    @cache
    def load(cls, language: str) -> Self:
        """What is known of `language`, such as `en`; read once. An owner's file goes before the harness's.

        Raises:
            ConfigurationError: A file of the owner's cannot be read, or lacks what it must have.
        """
        data: dict[str, Any] = {}
        try:
            for folder in cls._folders():
                if (file := folder.joinpath(f"{language}.toml")).is_file():
                    data |= tomllib.loads(file.read_text(encoding="utf-8"))
            problems = [*cls._problems(data)]
        except (ValueError, TypeError, AttributeError) as broken:  # no TOML, or a table where a text is wanted
            problems = [str(broken)]
        if problems:
            remedy = "`python -m tools.locale_data` of the template writes such a file"
            raise ConfigurationError([f"src/app/locale/{language}.toml: {it}; {remedy}" for it in problems])
        return cls(data)

    @classmethod
    def owners(cls, name: str, table: Literal["messages", "kinds", "prompts"]) -> Mapping[str, str]:
        """Language -> the text of this name in its `table`, of those that have one."""
        texts = {language: getattr(cls.load(language), table).get(name) for language in cls.languages()}
        return {language: text for language, text in texts.items() if text}

    @classmethod
    @cache
    def beside_figures(cls, name: str) -> tuple[str, ...]:
        """What any language writes beside a figure for `name`, such as `about`."""
        return tuple(it for language in cls.languages() for it in cls.load(language).figures.get(name, ()) if it)

    @classmethod
    @cache
    def common_words_of_others(cls) -> Mapping[str, frozenset[str]]:
        """Language that may have no file -> folded words that are in most sentences of it."""
        text = cls._folders()[0].joinpath("unknown.toml").read_text(encoding="utf-8")
        return {language: frozenset(words.split()) for language, words in tomllib.loads(text).items()}

    @classmethod
    def _folders(cls) -> tuple[Traversable, Traversable]:
        return files(__package__), files(Project.PACKAGE).joinpath("locale")

    @classmethod
    def _problems(cls, data: Mapping[str, Any]) -> Iterable[str]:
        for name, length in cls.LENGTHS.items():
            if len(data.get(name, [])) != length or not all(it.split() for it in data[name]):
                yield f"{name}: {length} texts are wanted, one word at least in each"
        if not data.get("name"):
            yield "name: what the language calls itself"
        if not (data.get("common_words", "").split() or data.get("signs", "").split()):
            yield "common_words: the words that are in most sentences; the language is told by them"
        for days, words in data.get("many_days", {}).items():
            try:
                re.compile(words)
            except re.error as broken:
                yield f"many_days: {days}: no regular expression: {broken}"

    @classmethod
    def fold(cls, text: str) -> str:
        """`text` in lower case without accents."""
        lowered = text.lower()
        if lowered.isascii():
            return lowered
        return cls.MARKS.sub("", unicodedata.normalize("NFD", lowered))

    @staticmethod
    def pattern(*words: Iterable[str]) -> str:
        """A regular expression for any of `words`, the longest first."""
        each = sorted({word for some in words for word in some}, key=lambda it: (-len(it), it))
        return "|".join(map(re.escape, each))

    @staticmethod
    def numbered(*tables: Iterable[Iterable[str]], start: int = 0) -> dict[str, int]:
        """Every spelling in `tables` -> where it stands, counted from `start`."""
        rows = (row for table in tables for row in enumerate(table, start))
        return {word: number for number, words in rows for word in words}

    @staticmethod
    def inverted(*tables: Mapping[K, Iterable[str]]) -> dict[str, frozenset[K]]:
        """Word -> the keys of `tables` that it stands at."""
        keys: dict[str, frozenset[K]] = {}
        for key, words in (row for table in tables for row in table.items()):
            for word in words:
                keys[word] = keys.get(word, frozenset()) | {key}
        return keys

    @staticmethod
    def _split(data: Mapping[str, str], name: str) -> Sequence[str]:
        return data.get(name, "").split()

    @staticmethod
    def _spellings(rows: Sequence[str]) -> Sequence[Sequence[str]]:
        return [row.split() for row in rows]

    @staticmethod
    def _phrases(table: Mapping[str, str]) -> Mapping[str, Sequence[str]]:
        return {name: [" ".join(it.split()) for it in text.split(",")] for name, text in table.items()}

    @staticmethod
    def _words(table: Mapping[str, str], read: Callable[[str], str] = str) -> Mapping[str, Sequence[str]]:
        return {key: read(words).split() for key, words in table.items()}
