"""What a question about news is about, and which headlines meet it."""

import re
from typing import Final

from harness import LanguageDetector, Words

from .feeds import Headline


class Topic:
    """The telling words of a question; empty when it asks for news of any kind."""

    STEM_CHARS: Final = 5
    """Letters that must agree, so that `económica` meets `economía`; a guess."""
    ENOUGH: Final = 0.5
    """Share of the topic's words that a headline must hold; a guess."""
    NO_TOPIC: Final = frozenset("""
        news headline headlines latest recent breaking top stories story happening happened going on
        today now morning week about world main important new get read know want hello hi thanks
        let summary summarize anything something whats any some
        noticia noticias titular titulares ultima ultimas ultimo ultimos ultimahora hora reciente
        recientes actualidad hoy ahora semana principales principal importantes importante novedad
        novedades nuevo nueva pasa pasado pasando ha ocurre ocurrido sobre acerca respecto hola
        gracias favor quiero saber leer resumen mundo alguna algunas algo dan
        """.split()).union(*LanguageDetector.WORDS.values())

    def __init__(self, text: str) -> None:
        """Take a topic such as `climate change`."""
        self.text = text
        self._stems = {word[: self.STEM_CHARS] for word in Words.tokenize(text)}

    @classmethod
    def of(cls, question: str) -> "Topic":
        """The topic of a question in English or Spanish."""
        words = re.findall(r"\w+(?:-\w+)*", re.sub(r"['\u2019]s\b", "", question))
        return cls(" ".join(word for word in words if Words.strip_accents(word) not in cls.NO_TOPIC))

    def share(self, headline: Headline) -> float:
        """How much of the topic a headline holds: 0 to 1; 1 where there is no topic."""
        words = Words.tokenize(f"{headline.title} {headline.summary}")
        held = self._stems & {word[: self.STEM_CHARS] for word in words}
        return len(held) / len(self._stems) if self._stems else 1

    def is_met_by(self, headline: Headline) -> bool:
        """True when the headline holds enough of the topic."""
        return self.share(headline) >= self.ENOUGH
