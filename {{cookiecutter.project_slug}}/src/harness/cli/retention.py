"""`retention`: deletes the threads that are older than RETENTION_DAYS. Run it by the day, as a job."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from ..settings import Settings
from ..storage.checkpoints import Checkpoints
from ..telemetry.logging import Logs


class Retention:
    """One pass over the store; running it twice, or beside the service, does no harm."""

    def __init__(self, days: int | None = None) -> None:
        """Keep the threads of the last `days`; None: RETENTION_DAYS."""
        given: dict[str, Any] = {} if days is None else {"retention_days": days}
        self._settings = Settings(**given)

    def run(self) -> int:
        """Delete and say how many; the exit code.

        Raises:
            ConfigurationError: The store cannot be opened.
            StoreUnavailable: It went away meanwhile; the next run goes on.
        """
        Logs(self._settings).install()
        print(f"{asyncio.run(self._delete())} threads deleted")
        return 0

    async def _delete(self) -> int:
        moment = datetime.now(UTC) - timedelta(days=self._settings.retention_days)
        async with Checkpoints.open(self._settings) as store:
            return await store.purge_before(moment)
