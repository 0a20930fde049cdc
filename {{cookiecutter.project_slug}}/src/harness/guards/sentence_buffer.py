"""Holds a stream back until a sentence is whole and has passed the output guard."""

import re
from collections.abc import Iterator
from typing import Final

from .output import OutputGuard


class SentenceBuffer:
    """Collects the pieces of a model's stream and lets audited sentences through.

    The first sentence that does not pass closes the gate; the caller replaces the answer.
    """

    END: Final = re.compile(r"(?<=[.!?…])\s+|\n+(?=[^\s\d])")
    """White space after a mark, so that `18.4` is never cut in two; a new line that no digit
    begins, so that neither is a card's number in groups."""

    BEFORE_CHARS: Final = 400
    """How much of what has left is looked at again with each sentence: a leak may span several."""

    def __init__(self, guard: OutputGuard) -> None:
        self._guard = guard
        self._pending = ""
        self._sent = ""
        self.refusal: str | None = None
        """Why the gate is closed; None while it is open."""

    @property
    def is_closed(self) -> bool:
        """True from the first sentence on that did not pass."""
        return self.refusal is not None

    def feed(self, piece: str) -> Iterator[str]:
        """The sentences that `piece` completes and that pass."""
        self._pending += piece
        while not self.is_closed and (end := self.END.search(self._pending)):
            sentence, self._pending = self._pending[: end.end()], self._pending[end.end() :]
            yield from self._checked(sentence)

    def rest(self) -> Iterator[str]:
        """What is left at the end of the stream, if it passes."""
        rest, self._pending = self._pending, ""
        if rest and not self.is_closed:
            yield from self._checked(rest)

    def _checked(self, sentence: str) -> Iterator[str]:
        sentence = self._guard.masked(sentence, is_counted=False)
        self.refusal = self._guard.violation(sentence, self._sent)
        if self.refusal is None:
            self._sent = (self._sent + sentence)[-self.BEFORE_CHARS :]
            yield sentence
