"""The input guard: a message in one spelling, without invisible characters, within its bounds."""

import unicodedata
from typing import Final

from ..errors import InputRefused


class InputGuard:
    """Cleans a message before anything else reads it."""

    VISIBLE_CONTROLS: Final = frozenset("\n\t")
    INVISIBLE: Final = frozenset({"Cc", "Cf", "Co", "Cs"})
    """Unicode categories that a reader cannot see: controls, zero-width and direction marks,
    private use, lone surrogates. Words hidden with them would pass a reader and reach a model."""

    def __init__(self, max_chars: int) -> None:
        self._max_chars = max_chars

    def clean(self, message: str) -> str:
        """The message in NFKC, without invisible characters and outer white space.

        Raises:
            InputRefused: It is empty, or longer than `MESSAGE_MAX_CHARS`.
        """
        visible = "".join(
            char
            for char in unicodedata.normalize("NFKC", message)
            if char in self.VISIBLE_CONTROLS or unicodedata.category(char) not in self.INVISIBLE
        ).strip()
        length = max(len(message), len(visible))  # NFKC can make a text longer
        if length > self._max_chars:
            raise InputRefused(
                "message",
                f"{length} characters, allowed are {self._max_chars}; shorten it"
                " (the operator's setting is MESSAGE_MAX_CHARS)",
            )
        if not visible:
            raise InputRefused("message", "it is empty; send a question")
        return visible
