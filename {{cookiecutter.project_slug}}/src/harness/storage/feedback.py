"""Ratings of answers, kept beside the threads that the answers belong to and deleted with them."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from .saving import StoreTimeout


@dataclass(frozen=True, slots=True)
class Feedback:
    """What the caller who got an answer thinks of it."""

    run_id: str
    thread_id: str
    """The conversation among all callers' (`ThreadRef.key`)."""

    rating: str
    """`up`, `down`, or `1` to `5`."""

    comment: str | None
    given_at: float
    """Seconds since 1970."""


class FeedbackStore(ABC):
    """The part of a store that keeps ratings."""

    @abstractmethod
    async def thread_of(self, run_id: str) -> str | None:
        """The thread in which a run was saved; None when there is none, or no longer."""

    @abstractmethod
    async def keep_feedback(self, feedback: Feedback) -> bool:
        """Keep a rating in place of an earlier one of its run; False when its thread is gone."""

    @abstractmethod
    def feedback_since(self, moment: float) -> AsyncIterator[Feedback]:
        """The ratings given at `moment` (seconds since 1970) or later, oldest first."""

    @abstractmethod
    async def _forget_feedback(self, thread_id: str) -> None:
        """Delete the ratings of a thread."""


class SQLFeedback(FeedbackStore):
    """Ratings in a table. It goes before a store among the bases of a class."""

    TABLE: ClassVar = (
        """
        CREATE TABLE IF NOT EXISTS feedback (
            run_id TEXT PRIMARY KEY,
            thread_id TEXT NOT NULL,
            rating TEXT NOT NULL,
            comment TEXT,
            given_at DOUBLE PRECISION NOT NULL
        )
        """,
        "CREATE INDEX IF NOT EXISTS feedback_thread ON feedback (thread_id)",
        "CREATE INDEX IF NOT EXISTS feedback_given ON feedback (given_at, run_id)",
    )

    INDEX: ClassVar = "CREATE INDEX IF NOT EXISTS checkpoints_run ON checkpoints ((@run))"

    BATCH_SIZE: Final = 500
    """Ratings that an export reads at once; bounds its memory, guess."""

    MARK: ClassVar[str]
    """What stands for a value in a query."""

    RUN: ClassVar[str]
    """Expression of a checkpoint's run; queries call it `@run`."""

    _patience: StoreTimeout

    @classmethod
    def tables(cls) -> Sequence[str]:
        """The statements that make what is missing."""
        return (*cls.TABLE, cls.INDEX.replace("@run", cls.RUN))

    @abstractmethod
    async def _rows(self, query: str, *values: object) -> Sequence[Any]:
        """The rows that a query gives."""

    async def _ask(self, query: str, *values: object) -> list[list[Any]]:
        query = query.replace("?", self.MARK).replace("@run", self.RUN)
        rows = await self._patience.call(self._rows(query, *values))
        return [list(row.values() if isinstance(row, dict) else row) for row in rows]

    async def thread_of(self, run_id: str) -> str | None:
        """The thread in which a run was saved."""
        rows = await self._ask("SELECT thread_id FROM checkpoints WHERE @run = ? LIMIT 1", run_id)
        return str(rows[0][0]) if rows else None

    async def keep_feedback(self, feedback: Feedback) -> bool:
        """Keep a rating."""
        rows = await self._ask(
            """
            INSERT INTO feedback (run_id, thread_id, rating, comment, given_at)
            SELECT ?, ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM checkpoints WHERE thread_id = ?)
            ON CONFLICT (run_id) DO UPDATE
            SET (rating, comment, given_at) = (excluded.rating, excluded.comment, excluded.given_at)
            RETURNING run_id
            """,
            *(feedback.run_id, feedback.thread_id, feedback.rating, feedback.comment),
            *(feedback.given_at, feedback.thread_id),
        )
        return bool(rows)

    async def feedback_since(self, moment: float) -> AsyncIterator[Feedback]:
        """The ratings, in batches."""
        after: tuple[float, str] = (moment, "")
        while True:
            rows = await self._ask(
                """
                SELECT run_id, thread_id, rating, comment, given_at FROM feedback
                WHERE (given_at, run_id) > (?, ?) ORDER BY given_at, run_id LIMIT ?
                """,
                *(*after, self.BATCH_SIZE),
            )
            for row in rows:
                found = Feedback(*row)
                after = (found.given_at, found.run_id)
                yield found
            if len(rows) < self.BATCH_SIZE:
                return

    async def _forget_feedback(self, thread_id: str) -> None:
        await self._ask("DELETE FROM feedback WHERE thread_id = ? RETURNING run_id", thread_id)
