"""How much one query of a reference table may give."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import SourceUnavailable


@dataclass(frozen=True, slots=True)
class ResultLimits:
    """Rows, and the bytes of their texts."""

    max_rows: int
    max_bytes: int

    @property
    def wanted(self) -> int:
        """How many rows to fetch: one more than is given, to tell that there are more."""
        return self.max_rows + 1

    def apply(self, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
        """`rows` by column.

        Raises:
            SourceUnavailable: They are too many or too large. A part would be told as the whole.
        """
        held: list[dict[str, Any]] = []
        size = 0
        for row in rows:
            size += sum(len(value) for value in row if isinstance(value, str | bytes))
            if size > self.max_bytes:
                raise SourceUnavailable("table", f"more than DATA_MAX_BYTES={self.max_bytes}")
            held.append(dict(zip(columns, row, strict=True)))
            if len(held) > self.max_rows:
                raise SourceUnavailable("table", f"more than DATA_MAX_ROWS={self.max_rows}")
        return held
