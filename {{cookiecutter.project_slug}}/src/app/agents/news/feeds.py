"""RSS 2.0, RSS 1.0 and Atom as headlines in plain text."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from typing import Final
from xml.etree.ElementTree import Element

from pydantic import BaseModel, Field, ValidationError

from harness import LANGUAGES, Locale, SourceUnavailable, Words


class Headline(BaseModel):
    """One item of a feed. Its texts are a stranger's: plain, without mark-up."""

    outlet: str
    title: str = Field(min_length=1)
    summary: str
    url: str = Field(pattern=r"^https?://\S+$")
    published: date | None
    """None where the feed gives none, or none that can be read."""


class PlainText(HTMLParser):
    """HTML without its tags, scripts and styles."""

    UNSEEN: Final = frozenset({"script", "style"})

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[str] = []
        self._unseen = 0

    @classmethod
    def of(cls, html: str) -> str:
        """The words of `html`, white space collapsed."""
        parser = cls()
        parser.feed(html)
        parser.close()
        return " ".join("".join(parser._pieces).split())

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        """Part words at a tag; hide what is no text."""
        self._pieces.append(" ")
        self._unseen += tag in self.UNSEEN

    def handle_endtag(self, tag: str) -> None:
        """Show text again."""
        self._unseen -= tag in self.UNSEEN

    def handle_data(self, data: str) -> None:
        """Keep what a reader sees."""
        if not self._unseen:
            self._pieces.append(data)


class Feed:
    """The headlines of one outlet's document."""

    ROOTS: Final = frozenset({"rss", "RDF", "feed"})
    ITEMS: Final = frozenset({"item", "entry"})
    ITEMS_READ: Final = 100
    """A feed shows its newest first; several times what an answer holds."""
    CHARS_READ: Final = 2000
    """Of one text: Python's HTML parser takes hostile mark-up's length squared."""
    VOCABULARIES: Final = frozenset(
        {"", "http://www.w3.org/2005/Atom", "http://purl.org/rss/1.0/", "http://purl.org/dc/elements/1.1/"}
    )
    """Others, such as those for pictures and podcasts, have titles of their own."""

    def __init__(self, outlet: str, root: Element, title_max_chars: int) -> None:
        self._outlet = outlet
        self._root = root
        self._title_max_chars = title_max_chars

    def headlines(self) -> list[Headline]:
        """What is complete, in the feed's order.

        Raises:
            SourceUnavailable: The document is no feed, or none of its items is complete.
        """
        if self._name(self._root) not in self.ROOTS:
            raise SourceUnavailable(self._outlet, "the document is no feed")
        items = [item for item in self._root.iter() if self._name(item) in self.ITEMS]
        complete = [headline for item in items[: self.ITEMS_READ] for headline in self._read(item)]
        if items and not complete:
            raise SourceUnavailable(self._outlet, "no item has a title and a link")
        return complete

    def _read(self, item: Element) -> Iterator[Headline]:
        """The item as a headline; nothing where its title or link is missing."""
        parts: dict[str, Element] = {}
        for part in item:
            name = self._name(part)
            if str(part.tag).removesuffix(name).strip("{}") in self.VOCABULARIES:
                parts.setdefault(name, part)
        try:
            yield Headline(
                outlet=self._outlet,
                title=self._text(parts, "title")[: self._title_max_chars],
                summary=self._text(parts, "description", "summary", "content"),
                url=self._link(parts),
                published=self._date(self._text(parts, "pubDate", "date", "published", "updated")),
            )
        except ValidationError:
            return

    @staticmethod
    def _name(element: Element) -> str:
        """The tag without its namespace."""
        return str(element.tag).rpartition("}")[2]

    @staticmethod
    def _text(parts: Mapping[str, Element], *names: str) -> str:
        there = [parts[name] for name in names if name in parts]
        text = "".join(there[0].itertext()) if there else ""
        return PlainText.of(text[: Feed.CHARS_READ])

    def _link(self, parts: Mapping[str, Element]) -> str:
        """RSS writes the address as text, Atom as an attribute."""
        link = parts.get("link")
        return "" if link is None else (link.get("href") or link.text or "").strip()

    @staticmethod
    def _date(text: str) -> date | None:
        for read in (parsedate_to_datetime, datetime.fromisoformat):
            try:
                return read(text).date()
            except ValueError:
                continue
        return None


class Topic:
    """The telling words of a question; empty when it asks for news of any kind."""

    STEM_CHARS: Final = 5
    """Letters that must agree, so that `económica` meets `economía`; a guess."""
    WHOLE_CHARS: Final = 3
    """Letters of a stem up to which the whole word must agree; a guess."""
    ENOUGH: Final = 0.5
    """Share of the topic's words that a headline must hold; a guess."""
    ABOUT: Final = re.compile(r"\b(?:about|regarding|concerning|sobre|acerca de|respecto a)\b", re.IGNORECASE)
    """What stands before a topic; without it the topic is what is left of the question."""
    CONTRACTION: Final = re.compile(
        r"\b(?:i|we|you|it|that|what|who)['\u2019]\w+|['\u2019]s\b|\b\w{1,9}[áéíóú]\w{0,9}(?:me|nos)\b", re.IGNORECASE
    )
    """And verbs with a pronoun: `cuéntame`."""
    NO_TOPIC: Final = frozenset("""
        news headline headlines latest recent breaking top stories story happening happened happens today todays whats morning week world miss missed fill catch update interesting hear day days
        main important new read summary summarize press newspaper newspapers papers report reporting reported front page pages
        current events affairs
        noticia noticias titular titulares ultima ultimas ultimo ultimos ultimahora hora reciente recientes actualidad hoy semana
        principal principales importante importantes novedad novedades nuevo nueva pasa pasado pasando ocurre ocurrido acerca respecto
        leer resumen mundo prensa periodico periodicos diario diarios portada portadas cuenta cuentan dia dias
        """.split()).union(*(Locale.load(it).function_words for it in LANGUAGES))

    def __init__(self, text: str) -> None:
        """Take a topic such as `climate change`."""
        self.text = text
        self._stems = {word[: self.STEM_CHARS] for word in Words.tokenize(text)}

    @classmethod
    def of(cls, question: str) -> "Topic":
        """The topic of a question in English or Spanish."""
        return next(filter(lambda it: it.text, map(cls._telling, (*cls.ABOUT.split(question)[1:], question))), cls(""))

    @classmethod
    def _telling(cls, text: str) -> "Topic":
        words = re.findall(r"\w+(?:-\w+)*", cls.CONTRACTION.sub("", text))
        return cls(" ".join(word for word in words if Words.strip_accents(word) not in cls.NO_TOPIC))

    def share(self, headline: Headline) -> float:
        """How much of the topic a headline holds: 0 to 1; 1 where there is no topic."""
        words = Words.tokenize(f"{headline.title} {headline.summary}")
        held = [
            it
            for it in self._stems
            if any(word.startswith(it) if len(it) > self.WHOLE_CHARS else word == it for word in words)
        ]
        return len(held) / len(self._stems) if self._stems else 1

    def is_met_by(self, headline: Headline) -> bool:
        """True when the headline holds enough of the topic."""
        return self.share(headline) >= self.ENOUGH
