"""The language of the task at hand, for those who are not told it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import ClassVar

from .language import LANGUAGES, Language


class CurrentLanguage:
    """The language of the task that this context belongs to."""

    _CURRENT: ClassVar[ContextVar[Language]] = ContextVar("speaking", default=LANGUAGES[0])

    @classmethod
    @contextmanager
    def scope(cls, language: Language) -> Iterator[None]:
        """Speak `language` inside of the block, and in all tasks that it starts."""
        before = cls._CURRENT.set(language)
        try:
            yield
        finally:
            cls._CURRENT.reset(before)

    @classmethod
    def language(cls) -> Language:
        """The language; English outside of any block."""
        return cls._CURRENT.get()
