"""What a thread remembers: bounded in turns and in size, so that turn 200 costs what turn 2 did."""

from collections.abc import Sequence
from typing import Final

from .state import Turn


class History:
    """The last exchanges of a thread."""

    CHARS_PER_TOKEN: Final = 4
    """The same guess as LangChain's `count_tokens_approximately` (langchain-core 1.4)."""

    def __init__(self, max_turns: int, max_tokens: int) -> None:
        self._max_turns = max_turns
        self._max_chars = max_tokens * self.CHARS_PER_TOKEN

    def trimmed(self, exchanges: Sequence[Turn]) -> list[Turn]:
        """The newest exchanges that fit, the oldest of them first.

        The newest one stays whatever its size: without it no detail could be asked for.
        """
        kept: list[Turn] = []
        chars = 0
        for exchange in reversed(exchanges[max(0, len(exchanges) - self._max_turns) :]):
            chars += len(exchange["question"]) + len(exchange["answer"])
            if kept and chars > self._max_chars:
                break
            kept.insert(0, exchange)
        return kept if self._max_turns else []

    @staticmethod
    def transcript(exchanges: Sequence[Turn]) -> str:
        """The exchanges as a model reads them."""
        lines = (f"User: {turn['question']}\nService: {turn['answer']}" for turn in exchanges)
        return "\n".join(lines) or "-"
