"""What chat front ends ask beside the conversation: answered in no thread, without a model."""

import tomllib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple, Self


class FrontEndTask(NamedTuple):
    """A prompt for a title, tags or follow-ups, and what it gets.

    As a message it would withdraw what waits for approval in its thread, be remembered there, and cost a run.
    """

    begins: str
    holds: Sequence[str]
    answer: str

    @classmethod
    @cache
    def table(cls) -> Sequence[Self]:
        """Those of `front_ends.toml`."""
        file = Path(__file__).with_suffix(".toml")
        return [cls(**row) for row in tomllib.loads(file.read_text(encoding="utf-8")).values()]

    @classmethod
    def recognised(cls, text: str) -> Self | None:
        """The task that `text` is; None: it is a message."""
        asked = text.strip().lower()
        return next((it for it in cls.table() if asked.startswith(it.begins) and all(map(asked.count, it.holds))), None)
