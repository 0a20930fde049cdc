"""What the SQL stores share: the tables and queries of replies and ratings."""

import time
from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Final

from ..errors import StoreUnavailable
from .persistence import StoreTimeout
from .store import Feedback, IdempotencyRecord, Store

Statement = tuple[str, Sequence[object]]
"""A query with `?` for each value, and the values."""


class SQLStore(Store):
    """A store of threads in a database; a subclass runs the statements."""

    TABLES: Final = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")

    PLACEHOLDER: ClassVar[str]
    """What stands for a value in a query of this database."""

    RUN: ClassVar[str]
    """Expression of a checkpoint's run; queries call it `@run`."""

    ROOT: ClassVar[str]
    """Expression of the thread that a checkpoint's thread is, or is a companion of; queries: `@root`."""

    _timeout: StoreTimeout

    @classmethod
    def tables(cls) -> Sequence[str]:
        """The statements that make what is missing."""
        return cls._expanded(cls.TABLES).strip().removesuffix(";").split(";")

    @classmethod
    def _expanded(cls, query: str) -> str:
        return query.replace("@run", cls.RUN).replace("@root", cls.ROOT)

    @abstractmethod
    async def _execute(self, statements: Sequence[Statement], *, is_durable: bool = False) -> list[Sequence[Any]]:
        """Run the statements in order; the rows of the last one, which gives some.

        With `is_durable`, what they write outlives a power cut.
        """

    async def _query(self, query: str, *values: object) -> list[Sequence[Any]]:
        return await self._timeout.call(self._execute([self._statement(query, *values)]))

    @classmethod
    def _statement(cls, query: str, *values: object) -> Statement:
        return cls._expanded(query.replace("?", cls.PLACEHOLDER)), values

    async def is_healthy(self) -> bool:
        """True when the database lets us write just now."""
        try:
            await self._timeout.call(self._probe())
        except StoreUnavailable:
            return False
        return True

    PROBE: ClassVar[str]
    """A statement that writes nothing, but fails where a turn could not be saved."""

    @abstractmethod
    async def _probe(self) -> None:
        """Run it."""

    async def find_reply(self, key: str) -> IdempotencyRecord | None:
        """The reply saved under `key`."""
        query = """
            SELECT key, thread_id, request, reply, kept_until FROM kept_replies
            WHERE key = ? AND kept_until > ? AND reply <> ?
            """
        question = self._execute([self._statement(query, key, time.time(), IdempotencyRecord.PROPOSED)])
        rows = await self._timeout.call_or(question, [])
        return IdempotencyRecord(*rows[0]) if rows else None

    async def save_reply(self, record: IdempotencyRecord) -> None:
        """Save a reply."""
        conflict = """
            UPDATE SET (thread_id, request, reply, kept_until)
            = (excluded.thread_id, excluded.request, excluded.reply, excluded.kept_until)
            """
        await self._timeout.call_or(self._insert(record, conflict), [])

    async def propose(self, record: IdempotencyRecord) -> None:
        """Save a proposal."""
        await self._timeout.call_or(self._insert(replace(record, reply=record.PROPOSED), "NOTHING"), [])

    async def proposals(self, thread_id: str) -> Mapping[str, str]:
        """The calls that may be claimed."""
        query = "SELECT key, request FROM kept_replies WHERE thread_id = ? AND kept_until > ? AND reply = ?"
        rows = await self._query(query, thread_id, time.time(), IdempotencyRecord.PROPOSED)
        return {row[0]: row[1] for row in rows}

    async def claim(self, record: IdempotencyRecord, fingerprint: str) -> bool:
        """Save `record` in place of its proposal."""
        update = """
            UPDATE kept_replies SET (request, reply, kept_until) = (?, ?, ?)
            WHERE key = ? AND request = ? AND reply = ? AND kept_until > ? RETURNING key
            """
        values = (record.request, record.reply, record.expires_at)
        found = (record.key, fingerprint, record.PROPOSED, time.time())
        statement = self._statement(update, *values, *found)
        return bool(await self._timeout.call(self._execute([statement], is_durable=True)))

    async def _insert(self, record: IdempotencyRecord, on_conflict: str) -> list[Sequence[Any]]:
        insert = f"""
            INSERT INTO kept_replies (key, thread_id, request, reply, kept_until)
            VALUES (?, ?, ?, ?, ?) ON CONFLICT (key) DO {on_conflict} RETURNING key
            """  # noqa: S608  # nosec B608 - a text of ours
        values = (record.key, record.thread_id, record.request, record.reply, record.expires_at)
        statements = [
            self._statement("DELETE FROM kept_replies WHERE kept_until < ?", time.time()),
            self._statement(insert, *values),
        ]
        return await self._execute(statements)

    async def _delete_records(self, thread_id: str) -> None:
        await self._query("DELETE FROM kept_replies WHERE thread_id = ? RETURNING key", thread_id)
        await self._query("DELETE FROM feedback WHERE thread_id = ? RETURNING run_id", thread_id)

    async def threads(self) -> AsyncIterator[str]:
        """The threads, in batches, by the database's order."""
        query = (
            "SELECT DISTINCT thread_id FROM checkpoints WHERE thread_id = @root AND thread_id > ? ORDER BY 1 LIMIT ?"
        )
        after = ""
        while rows := await self._query(query, after, self.BATCH):
            for (after,) in rows:
                yield after

    async def _threads_before(self, checkpoint_id: str, limit: int) -> Sequence[str]:
        query = """
            SELECT @root FROM checkpoints
            GROUP BY @root HAVING max(checkpoint_id) < ? LIMIT ?
            """
        return [row[0] for row in await self._query(query, checkpoint_id, limit)]

    async def _companions(self, thread_id: str) -> Sequence[str]:
        query = "SELECT DISTINCT thread_id FROM checkpoints WHERE @root = ? AND thread_id <> @root"
        return [row[0] for row in await self._query(query, thread_id)]

    async def find_thread(self, run_id: str) -> str | None:
        """The thread in which a run was saved."""
        rows = await self._query("SELECT @root FROM checkpoints WHERE @run = ? LIMIT 1", run_id)
        return rows[0][0] if rows else None

    async def save_feedback(self, feedback: Feedback) -> bool:
        """Save a rating."""
        rows = await self._query(
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
        query = """
            SELECT run_id, thread_id, rating, comment, given_at FROM feedback
            WHERE (given_at, run_id) > (?, ?) ORDER BY given_at, run_id LIMIT ?
            """
        after: tuple[float, str] = (moment, "")
        while rows := await self._query(query, *after, self.BATCH):
            for row in rows:
                feedback = Feedback(*row)
                after = (feedback.given_at, feedback.run_id)
                yield feedback
