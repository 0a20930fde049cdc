"""A connection to PostgreSQL that is given up as soon as it is of no use, so that a new one finds the way."""

import asyncio
import math
from contextlib import suppress
from selectors import EVENT_READ, DefaultSelector
from typing import Any, Final, TypeVar

import psycopg
from psycopg import waiting
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import ReadOnlySqlTransaction
from psycopg.rows import DictRow, dict_row

T = TypeVar("T")
RowT_co = TypeVar("RowT_co", covariant=True)


class BoundedConnection(psycopg.AsyncConnection[RowT_co]):
    """Closed by an answer that does not come in time, and by a server that only lets it read.

    A host that is lost says nothing, and TCP would wait for it for a quarter of an hour; a server
    that was demoted lives on. Behind the same name there may be another one meanwhile.
    """

    INTERVAL_SECONDS: Final = 0.1
    """Pause after which psycopg looks for an interrupt, its own figure."""

    answer_seconds: float | None = None
    """Longest wait for an answer, seconds; None: however long it takes, as for a migration."""

    async def wait(self, gen: PQGen[T], *_: Any, **__: Any) -> T:
        """What `gen` gives; every exchange with the server comes through here.

        Not psycopg's own (3.3): when cancelled, it asks the server to end the query and waits for that.

        Raises:
            psycopg.OperationalError: No answer in time.
        """
        try:
            async with asyncio.timeout(self.answer_seconds):
                return await waiting.wait_async(gen, self.pgconn.socket, self.INTERVAL_SECONDS)
        except TimeoutError:
            self.pgconn.finish()
            raise psycopg.OperationalError(f"no answer in {self.answer_seconds} s") from None
        except (asyncio.CancelledError, ReadOnlySqlTransaction):
            self.pgconn.finish()
            raise


class Connection(BoundedConnection[DictRow]):
    """One of the store, to a server that lets it write."""

    KEEPALIVE_SECONDS: Final = 30
    """Silence after which either side asks whether the other is still there, seconds; guess, below
    what firewalls forget (350 s in AWS)."""

    KEEPALIVE_TRIES: Final = 3
    """Questions without an answer after which it is not; a third of KEEPALIVE_SECONDS lies between them."""

    @classmethod
    def options(cls, url: str, seconds: float) -> dict[str, Any]:
        """How to connect and wait `seconds`; what `url` says itself stays as it says."""
        asked = {
            "connect_timeout": math.ceil(seconds),
            "client_encoding": "UTF8",
            "target_session_attrs": "read-write",
            "tcp_user_timeout": math.ceil(seconds * 1000),
            **cls._keepalives("keepalives"),
        }
        given = conninfo_to_dict(url)
        chosen = {name: value for name, value in asked.items() if name not in given}
        return {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row, **chosen}

    @classmethod
    def _keepalives(cls, prefix: str) -> dict[str, int]:
        """Settings of a client, `keepalives`, or of a server, `tcp_keepalives`."""
        pause = cls.KEEPALIVE_SECONDS // cls.KEEPALIVE_TRIES
        values = {"idle": cls.KEEPALIVE_SECONDS, "interval": pause, "count": cls.KEEPALIVE_TRIES}
        return {f"{prefix}_{name}": value for name, value in values.items()}

    async def watch_client(self) -> None:
        """Have the server notice soon when this host is lost, and give back what it has locked."""
        with suppress(psycopg.DatabaseError):  # another server that speaks as PostgreSQL does may not know how
            for name, value in self._keepalives("tcp_keepalives").items():
                await self.execute("SELECT set_config(%s, %s, false)", (name, str(value)))

    async def check(self) -> None:
        """Read what the server has said unasked: that it ends, as a rule. No round trip.

        Raises:
            psycopg.OperationalError: The connection is closed.
        """
        with DefaultSelector() as selector:
            selector.register(self.fileno(), EVENT_READ)
            while not self.lock.locked() and selector.select(timeout=0):
                self.pgconn.consume_input()
