"""Who may read and write what of a run's state and of conversations: `access.toml` here and of each endpoint."""

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
        files = sorted(Path(__file__).parents[1].glob("endpoints/*/access.toml"))
        return cls._of("endpoints") | {it.parent.name: cls._from(cls._read(it)) for it in files}

    @classmethod
    @cache
    def scopes(cls) -> Mapping[str, str]:
        """Part of a conversation -> the scope that a caller needs for it."""
        scopes: Mapping[str, str] = cls._table()["parts"]
        return scopes

    @classmethod
    def _of(cls, kind: str) -> dict[str, Self]:
        return {name: cls._from(row) for name, row in cls._table()[kind].items()}

    @classmethod
    def _from(cls, row: Mapping[str, Any]) -> Self:
        return cls(frozenset(row["reads"]), frozenset(row["writes"]))

    @classmethod
    def _table(cls) -> Mapping[str, Any]:
        return cls._read(Path(__file__).with_suffix(".toml"))

    @staticmethod
    def _read(file: Path) -> Mapping[str, Any]:
        return tomllib.loads(file.read_text(encoding="utf-8"))


for _read in (Access.nodes, Access.endpoints, Access.scopes):
    _read()  # when this is imported: the event loop waits for no file
