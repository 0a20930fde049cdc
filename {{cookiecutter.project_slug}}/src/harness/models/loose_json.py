"""JSON as models write it: in fences, after a few words, with a comma too many, or encoded twice."""

import ast
import json
import re
from collections.abc import Iterator
from typing import Any, Final


class LooseJson:
    """Reads an object where its meaning is plain; guesses nothing that is not there."""

    DECODER: Final = json.JSONDecoder(strict=False)
    EXTRA_COMMA: Final = re.compile(r'("(?:\\.|[^"\\])*+")|,(?=\s*[}\]])')
    FENCE: Final = re.compile(r"\A\s*```[\w-]*\s*\n(.*?)\n?\s*```\s*\Z", re.DOTALL)

    MAX_STARTS: Final = 20
    """Braces from which an object is looked for; a guess."""
    MAX_LITERAL_CHARS: Final = 10_000
    """Longest text that is read as Python's; a guess."""
    MAX_ENCODED: Final = 3
    """How often an object may be encoded: two times is common (llama.cpp, some gateways)."""

    @classmethod
    def arguments(cls, given: Any) -> dict[str, Any] | None:
        """A tool call's arguments; None where they are no object."""
        try:
            for _ in range(cls.MAX_ENCODED):
                if isinstance(given, str):
                    given = cls._value(given) if given.strip() else {}
        except ValueError:
            return None
        given = {} if given is None else given
        return given if isinstance(given, dict) else None

    @classmethod
    def objects_in(cls, text: str) -> Iterator[dict[str, Any]]:
        """The objects that stand in `text`, one after the other; what is inside of one is none."""
        whole = cls.arguments(text) if text.strip() else None
        if whole is not None:
            yield whole
            return
        text = cls._without_commas(text)
        at = -1
        for _ in range(cls.MAX_STARTS):
            at = text.find("{", at + 1)
            if at < 0:
                return
            try:
                value, end = cls.DECODER.raw_decode(text, at)
            except (ValueError, RecursionError):
                continue
            yield value
            at = end - 1

    @classmethod
    def _value(cls, text: str) -> Any:
        """What `text` says.

        Raises:
            ValueError: It is no JSON.
        """
        if fenced := cls.FENCE.match(text):
            text = fenced[1]
        for attempt in (text, cls._without_commas(text)):
            try:
                return json.loads(attempt, strict=False)
            except (ValueError, RecursionError):
                continue
        try:
            if len(text) <= cls.MAX_LITERAL_CHARS:
                return ast.literal_eval(text.strip())
        except (SyntaxError, MemoryError, RecursionError, TypeError):
            pass
        raise ValueError("no JSON")

    @classmethod
    def _without_commas(cls, text: str) -> str:
        return cls.EXTRA_COMMA.sub(lambda it: it[1] or "", text)
