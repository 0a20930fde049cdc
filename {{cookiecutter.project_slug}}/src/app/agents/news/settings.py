"""What the news agent lets its operator choose."""

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import Field, StringConstraints
from pydantic_settings import SettingsConfigDict

from harness import Configuration, Language

FeedUrl = Annotated[str, StringConstraints(pattern=r"^https?://\S+$")]

FEEDS_EN: Final = {
    "BBC News": "https://feeds.bbci.co.uk/news/rss.xml",
    "The Guardian": "https://www.theguardian.com/world/rss",
    "NPR": "https://feeds.npr.org/1001/rss.xml",
}
FEEDS_ES: Final = {
    "BBC Mundo": "https://feeds.bbci.co.uk/mundo/rss.xml",
    "El País": "https://feeds.elpais.com/mrss-s/pages/ep/site/elpais.com/portada",
    "France 24": "https://www.france24.com/es/rss",
}


class NewsSettings(Configuration):
    """Environment variables that start with NEWS_."""

    model_config = SettingsConfigDict(env_prefix="NEWS_")

    feeds_en: dict[str, FeedUrl] = Field(default=FEEDS_EN, min_length=1)
    """Outlet -> RSS or Atom feed for English questions, as JSON. Name several: one is one view."""

    feeds_es: dict[str, FeedUrl] = Field(default=FEEDS_ES, min_length=1)
    """The same for Spanish questions."""

    headlines: int = Field(default=6, ge=1, le=50)
    """Headlines in one answer, taken from the outlets in turn."""

    dominant_share: float = Field(default=0.5, gt=0, le=1)
    """An outlet with more than this share of an answer's headlines is declared in it."""

    title_max_chars: int = Field(default=200, ge=20)
    """A longer headline is cut."""

    def feeds(self, language: Language) -> Mapping[str, str]:
        """The outlets for `language`."""
        return self.feeds_es if language == "es" else self.feeds_en
