"""Writes words for dates, currencies and countries from CLDR: `src/harness/locale/{en,es}.toml`, or another language's.

    python -m tools.locale_data [--check]
    python -m tools.locale_data pt > .../src/app/locale/pt.toml

CLDR is read through babel, so run it with a Python that has it (a project's own environment does, for
its docs). Without a language: after a change in tools/locale or for a newer CLDR. With one: the CLDR part of
a file that an owner completes; what CLDR does not hold is left empty and named in it. What is written is read by
the guard against inventions, by the language detector and by the example agents; a project carries the data only.
"""

import json
import sys
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any, Final

import babel  # type: ignore[import-not-found,import-untyped,unused-ignore]
from babel import Locale  # type: ignore[import-not-found,import-untyped,unused-ignore]
from babel.core import (  # type: ignore[import-not-found,import-untyped,unused-ignore]
    UnknownLocaleError,
    get_cldr_version,
    get_global,
)
from babel.numbers import (  # type: ignore[import-not-found,import-untyped,unused-ignore]
    get_currency_name,
    get_currency_symbol,
)

ROOT = Path(__file__).resolve().parents[1]
OURS = ROOT / "tools" / "locale"
TARGET = ROOT / "{{cookiecutter.project_slug}}" / "src" / "harness" / "locale"
LANGUAGES = ("en", "es")
WIDTH = 116

CURRENCIES = (
    "AED ARS AUD BGN BOB BRL CAD CHF CLP CNY COP CZK DKK DOP EGP EUR GBP HKD HUF IDR ILS INR ISK JPY KES KRW MXN MYR"
    " NGN NOK NZD PEN PHP PKR PLN RON RUB SAR SEK SGD THB TRY UAH USD UYU VES VND ZAR"
)
CONTINENTS = ("Africa", "America", "Asia", "Australia", "Europe", "Pacific", "Atlantic")
COMMON = (
    "baht bat bats boliviano bolivianos dong dongs leu leus lei lev leva levas nuevo nuevos rand rands real reals sol"
    " soles won wons may"
)
"""Words that CLDR has and that mean something else as often: the 500 won, you may."""

ZONES = sorted(it for it in get_global("zone_territories") if it.partition("/")[0] in CONTINENTS)
PLACE_CHARS = 4
"""A shorter name is a word as often: Rio, Nome."""
NO_PLACES = (
    "beulah casey center central chad creston currie davis dawson easter eastern jersey johnston jordan knox midway"
    " mountain nome oral pacific palmer regina resolute reunion samoa south troll turkey vostok wake wallis mundo"
    " world bahia tell africa america asia europa europe oceania fortaleza pseudoacentos pseudobidi canary caribbean"
    " americas marengo monticello vincennes georgia yukon"
)
"""Places that are words or given names as often, and parts of the world."""


def folded(text: str) -> str:
    marks = unicodedata.normalize("NFD", text.lower())
    return "".join(sign for sign in marks if unicodedata.category(sign) != "Mn")


class Words:
    """The words of one language."""

    def __init__(self, language: str) -> None:
        self._cldr = Locale.parse(language, sep="-")
        self._language = str(self._cldr)
        self._ours = self._read(language)
        both = [self._cldr.currencies[code].lower().split() for code in ("CAD", "AUD")]
        same = [at for at in (-1, 0) if both[0][at] == both[1][at]]
        self._noun = same[0] if same else None
        """Where the noun of a currency's name stands: `Canadian dollar`, `dólar canadiense`."""

    @staticmethod
    def _read(language: str) -> Mapping[str, Any]:
        return tomllib.loads((OURS / f"{language}.toml").read_text(encoding="utf-8"))

    @property
    def _about(self) -> str:
        return "Made by the template from CLDR: see the names of the fields in locale.py."

    def text(self) -> str:
        """The file."""
        lines = [
            f"# {self._cldr.english_name}. {self._about}",
            f'name = "{self._cldr.display_name}"',
        ]
        lines += [self._line(name, value) for name, value in self._fields().items()]
        for name, table in self._tables().items():
            lines += ["", f"[{name}]", *(self._line(key, table[key]) for key in sorted(table, key=self._order))]
        return "\n".join(lines) + "\n"

    def _fields(self) -> Mapping[str, str | list[str]]:
        ours = {name: value for name, value in self._ours.items() if not isinstance(value, dict)}
        days = ours.pop("days").split()
        return {
            "months": list(self._months()),
            "weekdays": [self._spellings(*self._weekday(it)) for it in self._of("days", "wide")],
            "weekdays_short": [it.rstrip(".").title() for it in self._of("days", "abbreviated")],
            "days": [self._joined(word, self._form("day", at)) for at, word in enumerate(days, 1)],
            **{name: " ".join(value.split()) for name, value in ours.items()},
            "places": " ".join(self._places()),
        }

    def _places(self) -> Sequence[str]:
        """Countries and the cities that name time zones, of one word, folded."""
        names = [*self._cldr.territories.values(), *self._cities(self._cldr).values()]
        words = {folded(it) for it in names if it.isalpha() and len(it) >= PLACE_CHARS}
        words |= {*self._ours.get("places", "").split()}
        return sorted(words - {*NO_PLACES.split(), *self._ours.get("common_words", "").split()})

    @staticmethod
    def _cities(cldr: Any) -> Mapping[str, str]:
        """Time zone -> the city that names it."""
        cities = {zone: zone.rpartition("/")[2].replace("_", " ") for zone in ZONES if zone.count("/") == 1}
        return cities | {
            it: str(known["city"]) for it, known in cldr.time_zones.items() if it in cities and "city" in known
        }

    @staticmethod
    def _weekday(name: str) -> Sequence[str]:
        return name, f"{name.removesuffix('s')}s"

    def _form(self, kind: str, at: int) -> str:
        return str(self._ours.get(f"{kind}_forms", {}).get(str(at), ""))

    def _tables(self) -> Mapping[str, Mapping[str, str]]:
        currencies, names = dict(self._ours["currencies"]), dict(self._ours["names"])
        for code in CURRENCIES.split():
            currencies[code] = self._joined(code, *self._nouns(code), self._sign(code), currencies.get(code, ""))
        for code, word in (*self._territories(), *self._named_otherwise()):
            names[code] = self._joined(word, names.get(code, ""))
        plain = {
            name: self._ours.get(name, {})
            for name in ("many_days", "relative_days", "numbers", "units", "figures", "opposites", "negation", "asker")
        }
        tables = plain | {"currencies": currencies, "names": names}
        return {name: {k: " ".join(v.split()) for k, v in table.items()} for name, table in tables.items()}

    @staticmethod
    def _order(key: str) -> tuple[int, str]:
        return int(key) if key.isdigit() else 0, key

    def _of(self, kind: str, width: str) -> Sequence[str]:
        names = getattr(self._cldr, kind)["format"][width]
        return [names[key] for key in sorted(names)]

    def _months(self) -> Iterator[str]:
        both = zip(self._of("months", "wide"), self._of("months", "abbreviated"), strict=True)
        for at, (name, short) in enumerate(both, 1):
            yield self._joined(self._spellings(name), short.rstrip("."), self._form("month", at))

    @classmethod
    def _spellings(cls, *names: str) -> str:
        return cls._joined(*(f"{name} {name.capitalize()}" for name in names))

    def _nouns(self, code: str) -> Iterator[str]:
        for count in (1, 2):
            words = get_currency_name(code, count, locale=self._language).lower().split()
            if self._noun is not None or len(words) == 1:
                yield words[self._noun or 0]

    def _sign(self, code: str) -> str:
        sign = get_currency_symbol(code, locale=self._language)
        return "" if sign.isalnum() else sign

    def _territories(self) -> Iterator[tuple[str, str]]:
        """Countries of one word whose names in the languages do not begin alike."""
        for code in sorted(self._cldr.territories):
            names = [folded(Locale(it).territories.get(code, "")) for it in LANGUAGES]
            if code.isalpha() and all(it.isalpha() for it in names) and not self._is_alike(*names):
                yield code, names[LANGUAGES.index(self._language)]

    def _named_otherwise(self) -> Iterator[tuple[str, str]]:
        """Cities of one word whose names in the languages do not begin alike."""
        both = [self._cities(Locale(it)) for it in LANGUAGES]
        for zone in both[0] if self._language in LANGUAGES else ():
            names = [folded(it[zone]) for it in both]
            if all(it.isalpha() for it in names) and not self._is_alike(*names):
                yield zone.rpartition("/")[2].lower(), names[LANGUAGES.index(self._language)]

    @staticmethod
    def _is_alike(one: str, other: str) -> bool:
        """True where the guard recognises both without being told: they begin the same."""
        return all(b.startswith(a[: max(3, (len(a) + 1) // 2)]) for a, b in ((one, other), (other, one)))

    @staticmethod
    def _joined(*texts: str) -> str:
        words = (word for text in texts for word in text.split() if word not in COMMON.split())
        return " ".join(dict.fromkeys(words))

    @staticmethod
    def _line(name: str, value: str | list[str]) -> str:
        if isinstance(value, str):
            line = f'{name} = "{value}"'
            if len(line) <= WIDTH or " " not in value:
                return line
            return (
                "\n".join([f'{name} = """', *wrap(value, WIDTH, break_long_words=False, break_on_hyphens=False)])
                + '"""'
            )
        return "\n".join([f"{name} = [", *(f'    "{it}",' for it in value), "]"])


class NewWords(Words):
    """What CLDR has of a language that the template knows nothing more of, for an owner to complete."""

    MESSAGES: Final = TARGET.parent / "prompts" / "messages.toml"

    @staticmethod
    def _read(language: str) -> Mapping[str, Any]:
        unknown = tomllib.loads((TARGET / "unknown.toml").read_text(encoding="utf-8"))
        empty = ("names_nothing", "before_amount", "before_month", "link", "article", "range", "ordinal_signs", "signs")
        words = {"common_words": unknown.get(language.partition("-")[0], ""), "days": "", **dict.fromkeys(empty, "")}
        return {**words, "many_days": {}, "relative_days": {}, "currencies": {}, "names": {}}

    @property
    def _about(self) -> str:
        return (
            f"From CLDR {get_cldr_version()} (babel {babel.__version__}) by the template's tools/locale_data.py.\n"
            "# Yours to complete: common_words (folded: without accents; the language is told by them) and, where the\n"
            "# guard against inventions shall know more, what is empty: src/harness/locale/es.toml shows how."
        )

    def text(self) -> str:
        """The file, with the sentences to translate as comments."""
        messages = tomllib.loads(self.MESSAGES.read_text(encoding="utf-8"))
        kinds = messages.pop("kinds")
        lines = [
            "",
            "# Fixed sentences: take the # away and translate. What is missing is said in the configured language.",
        ]
        for table, texts in {"messages": messages, "kinds": kinds}.items():
            lines += [
                f"[{table}]",
                *(f"# {it} = {json.dumps(texts[it]['en'], ensure_ascii=False)}" for it in texts),
                "",
            ]
        lines += ["# Shared prompts, by their names in src/harness/prompts/shared.toml.", "[prompts]"]
        return super().text() + "\n".join(lines) + "\n"

    @staticmethod
    def _weekday(name: str) -> Sequence[str]:
        return (name,)

    def _months(self) -> Iterator[str]:
        """Without the short ones: `3 out` would be a date in English too."""
        return map(self._spellings, self._of("months", "wide"))

    def _territories(self) -> Iterator[tuple[str, str]]:
        """Countries of one word whose name in English or Spanish does not begin alike."""
        for code in sorted(self._cldr.territories):
            names = [folded(Locale.parse(it).territories.get(code, "")) for it in (self._language, *LANGUAGES)]
            words = [it for it in names if it.isalpha()]
            if (
                code.isalpha()
                and code[0] != "X"
                and words[:1] == names[:1]
                and not all(self._is_alike(words[0], it) for it in words)
            ):
                yield code, " ".join(words)


def main() -> int:
    if codes := [it for it in sys.argv[1:] if not it.startswith("-")]:
        try:
            sys.stdout.buffer.write(NewWords(codes[0]).text().encode())  # a terminal of any encoding
        except (UnknownLocaleError, ValueError) as unknown:
            sys.exit(f"{codes[0]}: {unknown}; name one that CLDR has, such as pt or pt-BR")
        return 0
    texts = {TARGET / f"{language}.toml": Words(language).text() for language in LANGUAGES}
    if "--check" in sys.argv:
        return int(any(file.read_text(encoding="utf-8") != text for file, text in texts.items()))
    for file, text in texts.items():
        file.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
