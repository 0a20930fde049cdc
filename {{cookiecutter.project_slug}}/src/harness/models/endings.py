"""Why a model's answer ended, the same for every provider; and what of a cut one is whole."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import structlog

log = structlog.stdlib.get_logger(__name__)

Ending = Literal["whole", "cut", "withheld", "failed"]

_DATA: Final = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


class Endings:
    """Reads the reason in an answer's metadata."""

    KEYS: Final[Sequence[str]] = _DATA["keys"]
    KINDS: Final[Sequence[Ending]] = ("withheld", "failed", "cut", "whole")
    """From the worst on, which counts where a stream names several."""

    PATTERNS: Final[Mapping[Ending, re.Pattern[str]]] = {kind: re.compile(_DATA[kind]) for kind in KINDS}

    WITHHELD_ERROR: Final = re.compile(_DATA["withheld_error"], re.IGNORECASE)

    SENTENCE: Final = re.compile(_DATA["sentence"])
    """The end of a sentence or a line; a point at the end of all may stand inside of `3.50`."""
    NUMBERED: Final = re.compile(r"(?:^|\n)\s*\d{1,3}[.)]\Z")
    """`2.` at the beginning of a line, which ends nothing."""

    _unknown: Final[set[str]] = set()

    @classmethod
    def of(cls, metadata: Mapping[str, Any]) -> Ending | None:
        """What the metadata of an answer, or of a piece, say; None where they do not."""
        if not metadata:
            return None
        incomplete: Any = metadata.get("incomplete_details")
        word = incomplete.get("reason") if isinstance(incomplete, Mapping) else None
        words = [word, *(metadata[key] for key in cls.KEYS if key in metadata)]
        told = next(
            (it.lower() for it in (getattr(word, "name", word) for word in words) if it and isinstance(it, str)), ""
        )
        if not told:
            return None
        for kind, pattern in cls.PATTERNS.items():
            if pattern.search(told):
                return kind
        if told not in cls._unknown:
            cls._unknown.add(told)
            log.warning("unknown_finish_reason", counts_as="cut")  # a word of the provider's: not into the log
        return "cut"

    @classmethod
    def worse(cls, one: Ending | None, other: Ending | None) -> Ending | None:
        """The worse of two; None says nothing."""
        return min(filter(None, (one, other)), key=cls.KINDS.index, default=None)

    @classmethod
    def sentences(cls, text: str) -> str:
        """The whole sentences and lines of a text that was cut; empty where there is none."""
        ends = [it.end() for it in cls.SENTENCE.finditer(text) if not cls.NUMBERED.search(text[: it.end()].rstrip())]
        return text[: ends[-1]].strip() if ends else ""
