"""The news agent: headlines of several outlets, by topic."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import httpx2

from harness import LANGUAGES, Agent, Language, Policy, ToolCall, ToolMethod, ToolResult

from .feeds import Topic
from .prompt import DOMINANT, HEADLINES, HEADLINES_ABOUT, NEWS, NOTHING, NOTHING_AT_ALL, UNREACHED
from .sample import NewsSample
from .settings import NewsSettings
from .tools import NewsTools


class NewsAgent(Agent[NewsSettings]):
    """Reads several outlets, and says so when one of them dominates."""

    description = {
        "en": "Current headlines of several news outlets, by topic.",
        "es": "Titulares actuales de varios medios, por tema.",
    }
    keywords = {
        "en": """
            news, headline, headlines, breaking, top story, top stories, stories about, the latest, what's new, happening, happened today, going on, press, newspaper, papers,
            front page, current events, current affairs, journalists""",
        "es": """
            noticia, titular, titulares, actualidad, prensa, novedades, hay de nuevo, periódico, diarios, portada, última hora, qué pasa, pasando,
            ha pasado, ocurriendo, sucesos""",
    }
    examples = {
        "en": ("What are today's headlines?", "Is there any news about the economy?", "Latest climate news please"),
        "es": (
            "¿Cuáles son los titulares de hoy?",
            "¿Qué noticias hay sobre economía?",
            "Dame las últimas noticias de tecnología",
        ),
    }
    prompt = NEWS
    fake_source = NewsSample()

    def policy(self) -> Policy:
        """The hosts of all feeds."""
        urls = [url for each in LANGUAGES for url in self.settings.feeds(each).values()]
        return Policy(tools={"headlines"}, hosts={httpx2.URL(url).host for url in urls})

    def tool_methods(self) -> Sequence[ToolMethod]:
        """One tool."""
        return [NewsTools(self.resources, self.settings).headlines]

    def plan_without_model(self, question: str, language: Language) -> Sequence[ToolCall]:
        """One reading of all outlets, with the question's topic."""
        return [ToolCall("headlines", {"topic": Topic.of(self.words.focus(question)).text, "language": language})]

    def render(self, findings: Sequence[ToolResult], language: Language) -> str:
        """The headlines with their outlets, then what a reader must know about them."""
        return "\n".join(line for each in findings for line in self._lines(each.facts, language))

    def _lines(self, facts: Mapping[str, Any], language: Language) -> Iterator[str]:
        topic, outlets = facts["topic"], ", ".join(facts["outlets"])
        if facts["headlines"]:
            head = HEADLINES_ABOUT if topic else HEADLINES
            yield head.format(language, topic=topic)
        else:
            nothing = NOTHING if topic else NOTHING_AT_ALL
            yield nothing.format(language, topic=topic, outlets=outlets)
        for each in facts["headlines"]:
            yield f"- {each['title']} ({each['outlet']})"
        if dominant := facts["dominant"]:
            share, outlet = dominant["percent"], dominant["outlet"]
            yield DOMINANT.format(language, share=share, outlet=outlet)
        if facts["unreached"]:
            yield UNREACHED.format(language, outlets=", ".join(facts["unreached"]))
