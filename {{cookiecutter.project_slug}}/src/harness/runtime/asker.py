"""Who asks, and for whom: name, gender, age, faith and country, which change no answer."""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Final

from ..locale.locale import Locale
from ..prompts.language import LANGUAGES


class Asker:
    """Takes out of a question who asks it, by the words that the languages have for that."""

    CLAUSE: Final = re.compile(
        r".+?(?:[,;:.!?]+(?=\s|$)|(?=\s(?:and|but|if|so|y|e|pero|si)\s)|$)", re.DOTALL | re.IGNORECASE
    )
    INTRODUCTION: Final = re.compile(
        rf"\W*(?:(?:and|but|if|y|e|pero|si)\s+)?(?:{Locale.pattern(*(Locale.load(it).introductions for it in LANGUAGES))})\b",
        re.IGNORECASE,
    )
    MORE_WORDS: Final = 3
    """What follows an introduction goes on with it where it is as short: `I am Ana, from Lima, ...`. A guess."""

    MOST_PERSONS: Final = 8
    """That are looked at; a text with more is no question of a person. A guess."""

    @classmethod
    def without(cls, question: str, score: Callable[[str], int]) -> str:
        """`question` without its asker; `score` counts keywords: what has any of them is no introduction."""
        kept = "".join(cls._kept(question, score))
        text = kept if score(kept) else question
        least = score(text)
        persons = dict.fromkeys(it for person in cls._persons() for it in person.findall(text))
        for found in [*persons][: cls.MOST_PERSONS]:
            shorter = " ".join(text.replace(found, " ").split())
            text = shorter if score(shorter) >= least else text  # `customer service` is no customer
        return text.strip()

    @classmethod
    def _kept(cls, question: str, score: Callable[[str], int]) -> Iterator[str]:
        is_theirs = False
        for clause in cls.CLAUSE.findall(question.replace("\u2019", "'")):
            goes_on = is_theirs and len(clause.split()) <= cls.MORE_WORDS
            is_theirs = not score(clause) and (goes_on or bool(cls.INTRODUCTION.match(clause)))
            if not is_theirs:
                yield clause

    @classmethod
    @cache
    def _persons(cls) -> Sequence[re.Pattern[str]]:
        """In each language: `for a French customer from Lyon`, `para una mujer musulmana de Fez`, `de 80 años`."""
        return [cls._person(it) for it in map(Locale.load, LANGUAGES) if it.people]

    FEW: Final = "{0,3}"
    """Words that may stand before a person's noun; a guess."""

    @classmethod
    def _person(cls, locale: Locale) -> re.Pattern[str]:
        describing = rf"(?!(?:{Locale.pattern(locale.common_words)})\b)[\w-]+"
        after = "" if locale.describes_before else rf"(?:\s+{describing})?"
        name = r"(?-i:[A-ZÁÉÍÓÚÑ]\w+)"
        return re.compile(
            r"(?:\b(?:for|as|by|to|of|with|para|como|de|a|por|con)\s+)?\b(?:an?|the|my|our|some|una?|el|la|los|las|mis?|\d+)[\s-]+"
            rf"(?:{describing}\s+){cls.FEW}?(?:{Locale.pattern(locale.people)})\b(?!'s){after}(?:\s+(?:from|in|de|en)\s+{name}(?:\s{name})*)?"
            r"(?:\s+(?:asks?|wants? to know|wonders?|preguntan?|quieren? saber)\b)?",
            re.IGNORECASE,
        )
