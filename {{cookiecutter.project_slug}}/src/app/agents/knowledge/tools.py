"""What the knowledge agent can do: search its folder."""

from functools import cached_property

from ...connectors.outside import Outside
from ...graph.contract import Finding, Source
from .passages import Passages
from .settings import KnowledgeSettings


class KnowledgeTools:
    """The tools; their docstrings and types are what a model reads."""

    def __init__(self, outside: Outside, settings: KnowledgeSettings) -> None:
        self._files = outside.files
        self._settings = settings

    async def search(self, question: str) -> Finding:
        """Search the documents for the passages that answer a question.

        Args:
            question: The question in the user's own words and language.
        """
        found = self._passages.search(question, self._settings.passages, self._settings.min_score)
        return Finding(
            facts={"passages": [{"heading": p.heading, "text": p.text} for p in found]},
            sources=[Source(title=f"{p.heading} ({p.file})", url=p.file) for p in found],
        )

    @cached_property
    def _passages(self) -> Passages:
        """Read once. Raises `SourceUnavailable` when the folder or a file cannot be read."""
        return Passages({name: self._files.read_text(name) for name in self._files.names()})
