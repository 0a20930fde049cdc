"""What the knowledge agent can do: search its folder, and read its price list."""

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from typing import Final

from harness import AgentResources, Language, Source, SourceUnavailable, ToolResult, Translations

from .passages import Passages, Subjects
from .prompt import PRICE_LIST
from .settings import KnowledgeSettings


class KnowledgeTools:
    """The tools; their docstrings and types are what a model reads."""

    BETWEEN: Final = re.compile(r"[,;:.!?]|\b(?:and|or|y|e|o|u)\b", re.IGNORECASE)
    """Between things that are asked about."""

    def __init__(self, resources: AgentResources, settings: KnowledgeSettings) -> None:
        self._files = resources.files
        self._tables = resources.tables
        self._settings = settings
        self._subjects = Subjects()
        with suppress(SourceUnavailable):  # now, so that the start names a bad file; a missing folder may come yet
            _ = self._passages

    async def search(self, question: str, language: Language = "en") -> ToolResult:
        """Search the documents for the passages that answer a question.

        Args:
            question: The question in the user's own words and language.
            language: Language of the question.
        """
        passages = await asyncio.to_thread(
            lambda: self._passages
        )  # reads the folder where it was not there at the start
        found = passages.search(question, self._settings.passages, self._settings.min_score, language)
        return ToolResult(
            facts={
                "passages": [{"heading": p.heading, "text": p.text} for p in found],
                "unknown": [] if found else passages.unknown(question),
            },
            sources=[Source(title=f"{p.heading} ({p.file})", url=p.file) for p in found],
        )

    async def prices(self, question: str, language: Language = "en") -> ToolResult:
        """Look up the prices of the products that a question names.

        Args:
            question: The question in the user's own words and language.
            language: Language of the question.
        """
        rows = await self._tables.rows(
            """
            SELECT name_en AS en, name_es AS es, price FROM products
            WHERE $1 LIKE '%' || name_en || '%' OR $1 LIKE '%' || name_es || '%'
            ORDER BY name_en
            """,
            question.lower(),
        )
        products = [
            {"name": Translations.pick(row, language), "price": self._figure(row["price"], language)} for row in rows
        ]
        sources = [Source(title=PRICE_LIST.format(language), url="products")] if products else []
        names = [str(row[it]).lower() for row in rows for it in ("en", "es")]
        unknown = [
            it
            for part in self._others(question, names)
            for it in self._passages.unknown(self._subjects.in_our_words(part))
        ]
        return ToolResult(facts={"products": products, "unpriced": unknown}, sources=sources)

    @classmethod
    def _others(cls, question: str, names: Sequence[str]) -> Sequence[str]:
        """The parts of `question` that name none of the products, where others do."""
        parts = cls.BETWEEN.split(question) if names else []
        return [part for part in parts if not any(name in part.lower() for name in names)]

    @staticmethod
    def _figure(price: float, language: Language) -> str:
        text = f"{price:.2f}"
        return text.replace(".", ",") if language == "es" else text

    @cached_property
    def _passages(self) -> Passages:
        """Read once. Raises `SourceUnavailable` when there is no folder, or none of its files can be read."""
        return Passages(self._files.read_all())
