"""`feedback`: the ratings of answers as JSON lines, for evaluation."""

import asyncio
import sys
from datetime import UTC, datetime

import orjson

from ..settings import Settings
from ..storage.checkpoints import Checkpoints
from ..storage.store import Feedback
from ..storage.thread_ref import ThreadRef
from ..telemetry.logging import Logs


class FeedbackExport:
    """Reads the ratings of a store; the service may go on beside it."""

    def __init__(self, since: datetime | None = None) -> None:
        """Those given at `since` or later; without an offset it is in UTC. None: all."""
        if since is not None and since.tzinfo is None:
            since = since.replace(tzinfo=UTC)
        self._since = since.timestamp() if since else 0.0
        self._settings = Settings()

    def run(self) -> int:
        """Print one line a rating, oldest first; the exit code.

        Raises:
            ConfigurationError: The store cannot be opened.
            StoreUnavailable: It went away meanwhile.
        """
        Logs(self._settings).install()
        asyncio.run(self._print())
        return 0

    async def _print(self) -> None:
        async with Checkpoints.open(self._settings) as store:
            async for feedback in store.feedback_since(self._since):
                sys.stdout.write(self._line(feedback) + "\n")

    @staticmethod
    def _line(feedback: Feedback) -> str:
        conversation = ThreadRef.from_key(feedback.thread_id)
        return orjson.dumps(
            {
                "given_at": datetime.fromtimestamp(feedback.given_at, UTC).isoformat(),
                "run_id": feedback.run_id,
                "thread_id": conversation.thread_id,
                "owner": conversation.owner,
                "rating": feedback.rating,
                "comment": feedback.comment,
            }
        ).decode()
