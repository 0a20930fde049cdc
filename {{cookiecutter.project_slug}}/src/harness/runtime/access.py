"""Who may read and write what of a run's state and of conversations: `access.toml`, read once."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Self


class Access(NamedTuple):
    """What one node or endpoint may read and write."""

    reads: frozenset[str]
    writes: frozenset[str]

    @classmethod
    @cache
    def nodes(cls) -> Mapping[str, Self]:
        """Node of the graph -> keys of the state."""
        return cls._of("nodes")

    @classmethod
    @cache
    def endpoints(cls) -> Mapping[str, Self]:
        """Endpoint -> parts of a conversation."""
        return cls._of("endpoints")

    @classmethod
    @cache
    def scopes(cls) -> Mapping[str, str]:
        """Part of a conversation -> the scope that a caller needs for it."""
        scopes: Mapping[str, str] = cls._table()["parts"]
        return scopes

    @classmethod
    def _of(cls, kind: str) -> Mapping[str, Self]:
        return {name: cls(frozenset(it["reads"]), frozenset(it["writes"])) for name, it in cls._table()[kind].items()}

    @staticmethod
    def _table() -> Mapping[str, Any]:
        return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
