"""`retention` and `feedback`: what a job does with the store; the service may go on beside it."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from ..settings import Settings
from ..storage.sqlite import Checkpoints
from ..storage.thread_ref import ThreadRef
from ..telemetry.logging import Logs


@dataclass(frozen=True)
class Retention:
    """Deletes the threads that are older than RETENTION_DAYS; running it twice does no harm."""

    days: int | None = None
    """How many last days stay; None: RETENTION_DAYS."""

    def run(self) -> None:
        """Delete and say how many.

        Raises:
            ConfigurationError: The store cannot be opened.
            StoreUnavailable: It went away meanwhile; the next run goes on.
        """
        given: dict[str, Any] = {} if self.days is None else {"retention_days": self.days}
        settings = Settings(**given)
        Logs(settings).install()
        print(f"{asyncio.run(self._delete(settings))} threads deleted")

    @staticmethod
    async def _delete(settings: Settings) -> int:
        moment = datetime.now(UTC) - timedelta(days=settings.retention_days)
        async with Checkpoints.open(settings) as store:
            return await store.purge_before(moment)


@dataclass(frozen=True)
class ExportFeedback:
    """The ratings of answers as JSON lines, for evaluation."""

    since: datetime | None = None
    """Those given then or later; without an offset it is in UTC. None: all."""

    def run(self) -> None:
        """Print one line a rating, oldest first.

        Raises:
            ConfigurationError: The store cannot be opened.
            StoreUnavailable: It went away meanwhile.
        """
        settings = Settings()
        Logs(settings).install()
        asyncio.run(self._print(settings))

    async def _print(self, settings: Settings) -> None:
        since = self.since
        if since is not None and since.tzinfo is None:
            since = since.replace(tzinfo=UTC)
        async with Checkpoints.open(settings) as store:
            async for feedback in store.feedback_since(since.timestamp() if since else 0.0):
                conversation = ThreadRef.from_key(feedback.thread_id)
                line = {
                    "given_at": datetime.fromtimestamp(feedback.given_at, UTC).isoformat(),
                    "run_id": feedback.run_id,
                    "thread_id": conversation.thread_id,
                    "owner": conversation.owner,
                    "rating": feedback.rating,
                    "comment": feedback.comment,
                }
                print(orjson.dumps(line).decode())
