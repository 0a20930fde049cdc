"""What a question asks to be converted."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from harness import LANGUAGES, ClarificationNeeded, Language, Locale, Words

from .names import CODES, COUNTRIES, NAMES, NUMBER_WORDS, SYMBOLS, UNITS, WORDS_TOO
from .prompt import AMOUNT_IN_FIGURES, AMOUNT_OF_WHAT, ONLY_LATEST, UNKNOWN_CURRENCY, WHICH_PESO, WHOSE_CURRENCY


@dataclass(frozen=True, slots=True)
class Mention:
    """One currency in a question."""

    code: str
    amount: float | None
    """None where no number stands beside it."""


class CurrencyReader:
    """Reads amounts and currencies by rules: `$1,000`, `1.000 euros`, `2,5 millones de yenes`.

    What it cannot read whole it asks back about, by its name: never a part of a number, never another currency.
    """

    NUMBER: Final = r"(?:\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?:[.,]\d+)?(?!\d)|\d+(?:[.,'\u2019]\d+)*)"
    TIMES: Final[Mapping[str, float]] = {
        **dict.fromkeys(("k", "mil", "thousand"), 1e3),
        **dict.fromkeys(("m", "mn", "million", "millions", "millón", "millon", "millones"), 1e6),
        **dict.fromkeys(("bn", "billion", "billions"), 1e9),
        **dict.fromkeys(("trillion", "billón", "billones"), 1e12),
    }
    SCALE: Final = rf"(?P<times>(?:\s*\b(?:{'|'.join(TIMES)})\b|(?<=\d)(?:{'|'.join(TIMES)})\b)*)"
    BEFORE: Final = re.compile(rf"(?<![\w.,'\u2019/%-])(?P<number>{NUMBER}){SCALE}\s*(?:de\s+)?$", re.IGNORECASE)
    AFTER: Final = re.compile(rf"\s*(?P<number>{NUMBER}){SCALE}(?![\w%/-]|[.,]\d)", re.IGNORECASE)
    ONE: Final[Mapping[Language, re.Pattern[str]]] = {
        "en": re.compile(r"\b(?:an?|one)\s+$", re.IGNORECASE),
        "es": re.compile(r"\buna?\s+$", re.IGNORECASE),
    }
    AND_MORE: Final = re.compile(
        r"\s+(?:(?:y|and)\s+(?:a\s+)?(?:medi[oa]|half|pico)|(?:(?:y|and|con)\s+)?\d+\s*(?:cents?|c[eé]ntimos?|centavos?|pence))\b",
        re.IGNORECASE,
    )
    RANGE: Final = re.compile(r"\d\s*(?:and|or|to|y|o|a|hasta|x|\*|\+)\s+$", re.IGNORECASE)
    UNREADABLE: Final = re.compile(
        rf"(?:\d\S*(?:\s*%)?|\b(?:{NUMBER_WORDS}))(?:\s+(?:an?|una?|{'|'.join(TIMES)}|{NUMBER_WORDS}|de|of|and|y))*\s*-?\s*$",
        re.IGNORECASE,
    )
    """A number that is none of these: in words, negative, one of two, in parts."""
    BESIDE_CHARS: Final = 60
    """Characters before a currency that may be its amount: a longer one is no sum of money, and
    looking further back takes a hostile text's length squared."""
    OF_COUNTRIES: Final = frozenset("new south north sri costa".split())
    """First words of their names."""
    GROUP: Final = 3
    """Digits between two marks for thousands."""

    UNNAMED: Final = re.compile(
        rf"(?:{NUMBER}(?:\s*(?:{'|'.join(TIMES)})\b)*(?:\s+de)?|\b(?:(?P<to>(?:in)?to|a(?=\s+\S+\W*$))|how many|how much(?: is| are| does)?|(?:price|cost|value) of"
        r"|convert|exchange|swap|cu[aá]nt[oa]s|precio de|cu[aá]nto (?:vale|cuesta|es)n?|convierte|convertir|cambiar?|pasar?))"
        r"\s+(?:(?:an?|one|the|this|my|el|la|los|las|una?|mis?)\s+)?(?=(?P<name>[^\W\d_]{3,}(?: [^\W\d_]{3,})?))|\b(?P<worth>[^\W\d_]{3,}) worth\b",
        re.IGNORECASE,
    )
    """Where a currency is to be expected, or what is no currency is asked about."""
    HOW_MANY: Final = re.compile(r"\W*(?:how many|a? ?cu[aá]nt[oa]s)\b", re.IGNORECASE)
    OTHER_DAY: Final = re.compile(
        r"\b(?:yesterday|tomorrow|last (?:week|month|year|\w+day)|next (?:week|month|year|\w+day)|ago|was|were|(?:19|20)\d\d[ -]\d\d"
        r"|(?:in|since|en|desde) (?:19|20)\d\d|ayer|(?<!la )(?<!esta )manana|hace \w+ (?:dias?|semanas?|mes(?:es)?|anos?)|(?:semana|mes|ano) pasad[oa]"
        r"|(?:proxim[oa]) (?:semana|mes|ano)|estaba|estuvo|estara|valia|valdra|costaba|costara)\b",
        re.IGNORECASE,
    )
    """What asks for the rates of another day; folded."""
    AGREED: Final = re.compile(
        r"[.?!] (?:yes|ok|okay|sure|please|si|vale|claro|latest|the latest|today|hoy)\b|\b(?:today|hoy)\b"
    )
    """What asks for the latest, also after it was asked back."""
    NO_NAME: Final = frozenset(
        "uno currency currencies money exchange current latest official rate rates going tipo tasa worth value convert moneda monedas divisas dinero cambio "
        "times today tomorrow per".split()
    ).union(*(Locale.load(it).function_words for it in LANGUAGES))
    DEMONYM: Final = re.compile(r"(?:[aei]an|ese|ish|[ai]n[oa]s?|ens?es?|es[ae]s|en[oa]s|i[oa]s)$")
    """How what tells whose unit it is ends, folded: `Namibian dollars`, `dólares namibios`."""

    def __init__(self) -> None:
        codes = "|".join(sorted(CODES - WORDS_TOO))
        units = "|".join(f"(?P<unit_{code or 'any'}>{pattern})" for code, pattern in UNITS.items())
        names = "|".join(f"(?P<{code}>{pattern})" for code, pattern in NAMES.items())
        self._mention = re.compile(
            rf"(?P<symbol>{'|'.join(map(re.escape, SYMBOLS))})"
            rf"|(?<![^\W\d])(?:(?P<code>(?i:{codes})|{'|'.join(sorted(WORDS_TOO))})(?![^\W\d])"
            rf"|(?i:{names}|{units})(?!\w))"
        )

    def mentions(self, question: str, language: Language, said: str = "") -> list[Mention]:
        """The currencies in order; what is asked about first: those with an amount. `said` may name a country besides.

        Raises:
            ClarificationNeeded: A currency or an amount that cannot be read.
        """
        matches = list(self._mention.finditer(question))
        self._check_named(question, matches, language)
        words = Words.strip_accents(question)
        if self.OTHER_DAY.search(words) and not self.AGREED.search(words):
            raise ClarificationNeeded(ONLY_LATEST.format(language))
        found = []
        for before, it in zip([None, *matches], matches, strict=False):
            start = before.end() if before else 0
            found.append(
                Mention(
                    self._code(it, question, language, said or question), self._beside(it, question, language, start)
                )
            )
        if found and re.search(r"\d", question) and all(it.amount is None for it in found):
            raise ClarificationNeeded(AMOUNT_OF_WHAT.format(language))
        if self.HOW_MANY.match(question) and all(it.amount is None for it in found):
            found.reverse()  # `How many euros is the pound?`
        return sorted(found, key=lambda mention: mention.amount is None)

    def _check_named(self, question: str, matches: list[re.Match[str]], language: Language) -> None:
        """Refuse what stands where a currency should and is none that is known."""
        spans = [it.span() for it in matches]
        for slot in self.UNNAMED.finditer(question):
            name = slot["name"] or slot["worth"]
            last = slot.end("name" if slot["name"] else "worth")
            is_known = any(start < last and slot.start() < end for start, end in spans)
            if slot["to"] and question[last:].strip(" ?!."):  # `to know the rate`, but `dollars to florins`
                is_known = is_known or not any(question[end : slot.start()].isspace() for _, end in spans)
            first = Words.tokenize(name)[0]
            is_known = is_known or bool(self._country(name.split()[-1]))
            if not is_known and first not in self.NO_NAME and first not in NUMBER_WORDS.split("|"):
                words = [it for it in name.split() if Words.strip_accents(it) not in self.NO_NAME]
                raise ClarificationNeeded(UNKNOWN_CURRENCY.format(language, name=" ".join(words)))

    def _code(self, match: re.Match[str], question: str, language: Language, said: str) -> str:
        if symbol := match["symbol"]:
            return SYMBOLS[symbol]
        group = match.lastgroup or ""
        if not group.startswith("unit_"):
            return (match["code"] or group).upper()
        code = group.removeprefix("unit_")
        before = re.search(r"([^\W\d_]+)\s$", question[: match.start()][-self.BESIDE_CHARS :])
        after = re.match(r"\s(?:(?:de|of|from)\s)?([^\W\d_]+)", question[match.end() :])
        beside = [it[1] for it in (before, after) if it and (it is before or language == "es")]
        for word in beside:
            if country := self._country(word):
                return country
        for word in (it for it in beside if it.lower() not in self.TIMES):
            folded = Words.strip_accents(word)
            is_whose = self.DEMONYM.search(folded) or (
                word[0].isupper() and before and word == before[1] and before.start()
            )
            if is_whose and folded not in self.NO_NAME and not re.fullmatch(NUMBER_WORDS, folded):
                name = f"{word} {match[0]}" if before and word == before[1] else f"{match[0]} {word}"
                raise ClarificationNeeded(UNKNOWN_CURRENCY.format(language, name=name))
        if code != "any":
            return code
        # Named elsewhere, as in an answer to `Which peso?`.
        if country := next(filter(None, map(self._country, Words.tokenize(said))), ""):
            return country
        which = WHICH_PESO if match[0].lower().startswith("peso") else WHOSE_CURRENCY
        raise ClarificationNeeded(which.format(language, name=match[0]))

    @staticmethod
    def _country(word: str) -> str:
        folded = Words.strip_accents(word)
        return next((code for country, code in COUNTRIES.items() if folded.startswith(country)), "")

    def _beside(self, match: re.Match[str], question: str, language: Language, begin: int) -> float | None:
        """The amount before a currency, or behind its code or sign; `begin` is where the currency before it ends."""
        start = max(0, match.start() - self.BESIDE_CHARS)
        text = question[start : match.start()]
        words = text.split()
        while words and (self._country(words[-1]) or words[-1].lower() in self.OF_COUNTRIES):
            text = text[: text.rindex(words.pop())]  # `100 New Zealand dollars`
        if self.AND_MORE.match(question, match.end()):
            raise ClarificationNeeded(AMOUNT_IN_FIGURES.format(language))
        if number := self.BEFORE.search(text):
            if not self.RANGE.search(text[: number.start()]):
                return self._amount(number, language)
        elif (match["symbol"] or match["code"]) and (number := self.AFTER.match(question, match.end())):
            if not text.rstrip(" ").endswith("-"):
                return self._amount(number, language)
        elif (one := self.ONE.get(language, self.ONE["en"]).search(text)) and not self.UNREADABLE.search(text):
            return None if begin and not text[begin - start : one.start()].strip() else 1  # `USD a EUR`
        elif not self.UNREADABLE.search(text):
            return None
        raise ClarificationNeeded(AMOUNT_IN_FIGURES.format(language))

    def _amount(self, beside: re.Match[str], language: Language) -> float:
        value = self._number(beside["number"], language)
        for times in beside["times"].lower().split():
            value *= self.TIMES[times]
        return value

    def _number(self, text: str, language: Language) -> float:
        """`1,234.5`, `1.234,5`, `1'234`, `1 234`; `1.234` is a thousand in Spanish, `1,234` in English.

        Raises:
            ClarificationNeeded: It is grouped as nobody writes it, `1.234.56`.
        """
        text = re.sub(r"['\u2019 \u00a0\u202f]", "", text)
        marks = re.sub(r"\d", "", text)
        decimal = "," if language == "es" else "."
        if len(set(marks)) == 2:  # both: the last one is the decimal mark
            decimal = marks[-1]
        elif len(marks) > 1:  # the same one twice: thousands
            decimal = ""
        elif marks and len(text.rpartition(marks)[2]) != self.GROUP:  # `2.5` means the same everywhere
            decimal = marks
        whole, _, rest = text.partition(decimal) if decimal else (text, "", "")
        groups = re.split(r"[.,]", whole)[1:]
        if any(len(group) != self.GROUP for group in groups) or re.search(r"\D", rest):
            raise ClarificationNeeded(AMOUNT_IN_FIGURES.format(language))
        return float(f"{re.sub('[.,]', '', whole)}.{rest or 0}")
