"""The languages that the service speaks, and which one a question is in."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final, Literal, get_args

Language = Literal["en", "es"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)

Text = Mapping[Language, str]
"""The same text in every language of the service."""


class Words:
    """Text as comparable words, so that `¿Dólar?` meets `dolar`."""

    @staticmethod
    def fold(text: str) -> str:
        """`text` in lower case without accents."""
        decomposed = unicodedata.normalize("NFD", text.lower())
        return "".join(char for char in decomposed if unicodedata.category(char) != "Mn")

    @classmethod
    def of(cls, text: str) -> list[str]:
        """The folded words of `text` in order, digits included, punctuation left out."""
        return re.findall(r"[a-z0-9']+", cls.fold(text))


class LanguageDetector:
    """Tells English from Spanish by their commonest words.

    Two languages and short questions: counting function words was enough for every example
    question of the agents, and needs no model. The Spanish signs decide at once.
    """

    SIGNS: Final = re.compile(r"[¿¡ñ]|\b(?:qué|cuál|cuánto|cuánta|cómo|dónde|está|están)\b")
    WORDS: Final[Mapping[Language, frozenset[str]]] = {
        "en": frozenset(
            "a about an and any are at can could did do does for from give good has have hello help"
            " hey hi how i in is it know like me morning much my near need of on or please say show"
            " some tell than thanks that the there these thing things this to today tomorrow want"
            " was we what what's when where which who will with would you your".split()
        ),
        "es": frozenset(
            "a al algo ayuda buenas buenos como con convierte cosas cual cuales cuando cuanta cuanto cuantos"
            " dame de del di dias dime donde el ella en es esta estan este favor gracias hace hay"
            " hola hoy la las lo los manana me mi muestrame necesito o para pero por puedes que"
            " quien quiero saber se sobre son su tal tardes tiene un una y yo".split()
        ),
    }

    def __init__(self, default: Language) -> None:
        """Answer `default` where the text does not tell, such as for `USD/EUR?`."""
        self._default = default

    def detect(self, text: str, spoken: Language | None = None) -> Language:
        """The language of `text`; where it does not tell, the one `spoken` so far in the thread."""
        lowered = text.lower()
        if self.SIGNS.search(lowered):
            return "es"
        words = Words.of(lowered)
        counts = {lang: sum(word in self.WORDS[lang] for word in words) for lang in LANGUAGES}
        if counts["en"] == counts["es"]:
            return spoken or self._default
        return max(LANGUAGES, key=lambda lang: counts[lang])
