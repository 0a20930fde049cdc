"""A PostgreSQL that is demoted, silent, full or forbids: the answer says that it is not saved, and so does `/readyz`."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import psycopg
import pytest

from harness.errors import ConfigurationError
from harness.runtime.agent import ToolResult
from harness.settings import Settings
from tests.conftest import Door, Lines
from tests.support.agents import MoonsAgent
from tests.support.peers.forwarder import Forwarder
from tests.support.servers import ADDRESS, Postgres, Standby

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="no server is started on Windows"),
    pytest.mark.checklist("OBS-4"),
]

MARS, SATURN = "How many moons has Mars?", "And Saturn?"
WAIT_SECONDS = 0.5
"""What the service waits for its store."""
PATIENCE_SECONDS = 20


async def ask(client: httpx2.AsyncClient, message: str = MARS, thread_id: str = "t1") -> dict[str, Any]:
    reply = await client.post("/v1/chat", json={"message": message, "thread_id": thread_id})
    assert reply.status_code == 200, reply.text
    return dict(reply.json())


async def is_saved(client: httpx2.AsyncClient, message: str = MARS) -> bool:
    return "not_saved" not in (await ask(client, message))["degraded_because"]


async def is_ready(client: httpx2.AsyncClient) -> bool:
    return (await client.get("/readyz")).status_code == 200


async def saves_again(client: httpx2.AsyncClient) -> None:
    last = time.monotonic() + PATIENCE_SECONDS
    while not await is_saved(client, SATURN):
        assert time.monotonic() < last
        await asyncio.sleep(0.05)
    assert await is_ready(client)


def run(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


@pytest.fixture
def forwarder(postgres_server: Postgres) -> Iterator[Forwarder]:
    with Forwarder(postgres_server.port).running() as forwarder:
        yield forwarder


@pytest.fixture
async def client(door: Door, forwarder: Forwarder, database_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    """The service, whose way to its store leads over the forwarder."""
    url = database_url.replace(str(forwarder.target), str(forwarder.port))
    yield await door.open(Settings(database_url=url, database_timeout_seconds=WAIT_SECONDS, database_pool_size=3))
    await door.close()  # before the forwarder


@pytest.mark.slow
async def test_a_host_that_is_lost_without_a_word_is_given_up_and_found_again(
    client: httpx2.AsyncClient, forwarder: Forwarder
) -> None:
    assert all(await asyncio.gather(*(is_saved(client) for _ in range(5))))  # the pool is full
    forwarder.silence()
    for _ in range(3):
        began = time.monotonic()
        assert not await is_saved(client)
        assert time.monotonic() - began < PATIENCE_SECONDS / 2
    assert not await is_ready(client)
    forwarder.speak()  # to new connections
    await saves_again(client)


def only_reads(url: str, is_so: bool) -> None:
    """Demote a server, or promote it again, without an end of any connection."""
    value = "on" if is_so else "off"
    run(
        url,
        "SET default_transaction_read_only = off",
        f"ALTER SYSTEM SET default_transaction_read_only = {value}",
        "SELECT pg_reload_conf()",
    )


async def test_a_server_that_only_lets_us_read_is_told_until_it_lets_us_write(
    door: Door, mortal_postgres: Postgres
) -> None:
    url = mortal_postgres.make_database("threads")
    client = await door.open(Settings(database_url=url, database_timeout_seconds=WAIT_SECONDS))
    assert await is_saved(client)
    only_reads(url, True)
    await is_told(client)
    only_reads(url, False)
    await saves_again(client)
    messages = (await client.get("/v1/threads/t1")).json()["messages"]
    assert [it["text"] for it in messages if it["role"] == "user"] == [MARS, SATURN]
    await door.close()


async def is_told(client: httpx2.AsyncClient) -> None:
    """By the probe, soon, and by each answer; for as long as it lasts."""
    last = time.monotonic() + PATIENCE_SECONDS
    while await is_ready(client):
        assert time.monotonic() < last
    for _ in range(3):
        assert not await is_saved(client)
        assert not await is_ready(client)
    assert 'ready{part="store"} 0.0' in (await client.get("/metrics")).text


@pytest.mark.slow
async def test_a_demoted_server_is_left_for_the_promoted_one_behind_the_same_name(
    door: Door, mortal_postgres: Postgres
) -> None:
    url = mortal_postgres.make_database("threads")
    with Forwarder(mortal_postgres.port).running() as name:
        behind_name = url.replace(str(name.target), str(name.port))
        client = await door.open(Settings(database_url=behind_name, database_timeout_seconds=WAIT_SECONDS))
        assert await is_saved(client)
        with Standby(mortal_postgres).running() as standby:
            hosts = f"{ADDRESS}:{standby.port},{ADDRESS}:{mortal_postgres.port}"
            both = Settings(database_url=f"postgresql://{Postgres.USER}@{hosts}/threads")
            assert await is_saved(await door.open(both), SATURN)  # of several, the one that lets us write
            only_reads(url, True)  # it lives on, and so do the connections to it
            name.target = standby.port
            await is_told(client)  # the standby only lets us read, too
            run(standby.url, "SELECT pg_promote()", "ALTER SYSTEM RESET default_transaction_read_only")
            run(standby.url, "SELECT pg_reload_conf()")
            await saves_again(client)
            with psycopg.connect(standby.database("threads")) as connection:
                found = connection.execute("SELECT count(*) FROM checkpoints").fetchone()
            await door.close()
        assert found == (3,)


@pytest.mark.parametrize("state", ["42501", "53100", "57014", "22P05", "40001", "XX002"])
async def test_a_turn_that_the_database_refuses_is_answered_and_told(
    door: Door, database_url: str, lines: Lines, state: str
) -> None:
    client = await door.open(Settings(database_url=database_url))
    assert await is_saved(client)
    run(
        database_url,
        f"CREATE FUNCTION refuse() RETURNS trigger AS $$ BEGIN RAISE 'no' USING ERRCODE = '{state}'; END $$ LANGUAGE plpgsql",
        "CREATE TRIGGER refuse BEFORE INSERT ON checkpoints FOR EACH ROW EXECUTE FUNCTION refuse()",
    )
    assert not await is_saved(client)
    assert lines.named("not_saved")[-1]["reason"] == psycopg.errors.lookup(state).__name__
    run(database_url, "DROP TRIGGER refuse ON checkpoints")
    await saves_again(client)


@pytest.mark.parametrize("taken", ["INSERT ON checkpoints", "INSERT ON checkpoint_blobs", "UPDATE ON checkpoints"])
async def test_a_right_that_was_taken_away_is_told_by_the_probe_too(door: Door, database_url: str, taken: str) -> None:
    name = database_url.rpartition("/")[2]
    run(database_url, f"CREATE ROLE app_{name} LOGIN", f"ALTER DATABASE {name} OWNER TO app_{name}")
    url = database_url.replace("postgres@", f"app_{name}@")
    client = await door.open(Settings(database_url=url))
    assert await is_saved(client)
    run(database_url, f"REVOKE {taken} FROM app_{name}")
    await is_told(client)
    run(database_url, f"GRANT {taken} TO app_{name}")
    await saves_again(client)


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
async def test_a_database_that_cannot_keep_every_sign_is_refused_at_the_start(
    door: Door, postgres_server: Postgres, encoding: str
) -> None:
    name = encoding.lower()
    run(postgres_server.url, f"CREATE DATABASE {name} ENCODING {encoding} LOCALE 'C' TEMPLATE template0")
    with pytest.raises(ConfigurationError, match=f"its encoding is {encoding}; make one with ENCODING 'UTF8'"):
        await door.open(Settings(database_url=postgres_server.database(name)))


async def test_every_sign_is_kept_whatever_the_encoding_of_the_client(
    door: Door, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    client = await door.open(Settings(database_url=database_url))
    question = f"{MARS} \N{ROCKET}"
    assert await is_saved(client, question)
    assert (await client.get("/v1/threads/t1")).json()["messages"][0]["text"] == question


class HaltingAgent(MoonsAgent):
    """Waits in the middle of a turn."""

    halted: asyncio.Event
    go_on: asyncio.Event

    async def look_up(self, name: str) -> ToolResult:
        """The number of one name in the table."""
        self.halted.set()
        await self.go_on.wait()
        return await super().look_up(name)


async def test_a_turn_whose_lock_was_lost_meanwhile_is_not_saved_over_another_ones(
    door: Door, database_url: str
) -> None:
    HaltingAgent.halted, HaltingAgent.go_on = asyncio.Event(), asyncio.Event()
    client = await door.open(Settings(database_url=database_url), (HaltingAgent,))
    asking = asyncio.create_task(is_saved(client))
    await HaltingAgent.halted.wait()
    run(database_url, "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory'")
    HaltingAgent.go_on.set()
    assert not await asking
    assert await is_saved(client, SATURN)
