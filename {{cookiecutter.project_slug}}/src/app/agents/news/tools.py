"""What the news agent can do: read the feeds of several outlets."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain, zip_longest
from typing import Any

from harness import AgentResources, Language, Source, SourceUnavailable, ToolResult

from .feeds import Feed, Headline, Topic
from .settings import NewsSettings


class NewsTools:
    """The tools; their docstrings and types are what a model reads."""

    PERCENT = 100

    def __init__(self, resources: AgentResources, settings: NewsSettings) -> None:
        self._resources = resources
        self._settings = settings

    async def headlines(self, topic: str = "", language: Language = "en") -> ToolResult:
        """Get current headlines of several news outlets, each with its outlet.

        Args:
            topic: A few words that the headlines must be about; empty for the main news.
            language: Language of the user's question.
        """
        outlets = self._settings.feeds(language)
        answers = await asyncio.gather(*(self._read(*outlet) for outlet in outlets.items()))
        read = dict(zip(outlets, answers, strict=True))
        unreached = [outlet for outlet, headlines in read.items() if headlines is None]
        if len(unreached) == len(outlets):
            raise SourceUnavailable("news", f"no outlet answered: {', '.join(unreached)}")
        chosen = self._choose(Topic(topic), [each for each in answers if each])
        facts = {
            "topic": topic,
            "headlines": [each.model_dump(mode="json", include={"outlet", "title", "published"}) for each in chosen],
            "outlets": [outlet for outlet in outlets if outlet not in unreached],
            "unreached": unreached,
            "dominant": self._dominant(chosen),
        }
        return ToolResult(facts, [self._source(each) for each in chosen])

    async def _read(self, outlet: str, url: str) -> list[Headline] | None:
        """One outlet's headlines; None when it gives none that can be read."""
        try:
            root = await self._resources.http.get_xml(url)
            return Feed(outlet, root, self._settings.title_max_chars).headlines()
        except SourceUnavailable:  # logged where it happened; the other outlets still answer
            return None

    def _choose(self, topic: Topic, read: Sequence[Sequence[Headline]]) -> list[Headline]:
        """Those that meet the topic best, the outlets in turn so that none crowds the others out."""
        met = [sorted(filter(topic.is_met_by, headlines), key=topic.share, reverse=True) for headlines in read]
        in_turn = [each for each in chain.from_iterable(zip_longest(*met)) if each]
        return in_turn[: self._settings.headlines]

    def _dominant(self, chosen: Sequence[Headline]) -> Mapping[str, Any] | None:
        """The outlet with more than its share, declared in the answer."""
        for outlet, count in Counter(each.outlet for each in chosen).most_common(1):
            if count / len(chosen) > self._settings.dominant_share:
                return {"outlet": outlet, "percent": round(self.PERCENT * count / len(chosen))}
        return None

    def _source(self, headline: Headline) -> Source:
        return Source(title=self._resources.title(f"{headline.outlet}: {headline.title}"), url=headline.url)
