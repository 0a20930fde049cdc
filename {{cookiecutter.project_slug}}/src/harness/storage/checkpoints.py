"""Opens the store of threads: PostgreSQL, SQLite, or memory in tests."""

from pathlib import Path

from ..errors import ConfigurationError
from ..settings import Settings, StoreURL
from .memory import MemoryStore
from .sqlite import SqliteStore
from .store import Store


class Checkpoints:
    """The store that DATABASE_URL names."""

    @classmethod
    def open(cls, settings: Settings) -> Store:
        """The store, not open yet.

        Raises:
            ConfigurationError: The database's driver is not installed.
        """
        url = settings.database_url
        if url == StoreURL.MEMORY:
            return MemoryStore()
        if url.startswith(StoreURL.SQLITE):
            return SqliteStore(Path(url.removeprefix(StoreURL.SQLITE)), settings.database_timeout_seconds)
        try:
            from .postgres import PostgresStore  # noqa: PLC0415  # an extra
        except ImportError:
            raise ConfigurationError(["DATABASE_URL: install the extra [postgres]"]) from None
        return PostgresStore(url, settings.database_pool_size, settings.database_timeout_seconds)
