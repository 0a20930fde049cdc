"""Whether a writer's draft holds what each agent found."""

from collections.abc import Iterable
from typing import Final

from ..guards.grounding import Grounding
from ..guards.reading import Reading
from ..prompts.language import LanguageDetector, Words
from .state import TaskResult


class Coverage:
    """Holds a draft against the results of a run: none may be missing from it."""

    LEAST: Final = 0.6
    """Of the figures and names of one agent's answer. A writer may leave out a source's name or a detail; a guess."""
    LEAST_WORDS: Final = 0.25
    """Of the telling words of an answer without figures and names, which a writer may put otherwise. A guess."""
    STEM_CHARS: Final = 5
    """Of a word that is compared: `tomorrow` and `tomorrows`, `returning` and `returned`. A guess."""

    @classmethod
    def is_complete(cls, draft: str, results: Iterable[TaskResult]) -> bool:
        """True where `draft` covers every one of `results`: what was found, what is missing, what is asked."""
        holder = Grounding([draft])
        return all(cls._covers(draft, holder, result) for result in results)

    @classmethod
    def _covers(cls, draft: str, holder: Grounding, result: TaskResult) -> bool:
        if result["status"] == "asked":
            return "?" in draft
        text = result["text"] if result["status"] == "answered" else result["question"]
        names = Grounding([]).unsupported_names(text)
        total = len(Reading(text).figures) + len(names)
        missing = len(holder.unsupported(text)) + len(holder.unsupported_names(text))
        if total:
            return missing < total and 1 - missing / total >= cls.LEAST
        stems, there = cls._stems(text), cls._stems(draft)
        return not stems or len(stems & there) >= cls.LEAST_WORDS * len(stems)

    @classmethod
    def _stems(cls, text: str) -> frozenset[str]:
        common = frozenset().union(*LanguageDetector.WORDS.values())
        words = (it for it in Words.tokenize(text) if it not in common)
        return frozenset(it[: cls.STEM_CHARS] for it in words)
