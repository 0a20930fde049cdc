"""What agents remember of an owner, held against all stores; also tests `memories`."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from langgraph.store.base import GetOp, ListNamespacesOp, MatchCondition, Op, PutOp, SearchOp

from harness.errors import StoreUnavailable
from harness.settings import Settings
from harness.storage.memories import START, Memories
from harness.storage.owner_store import OwnerStore
from harness.storage.sqlite import Checkpoints, SqliteStore
from harness.storage.store import Store
from tests.support.servers import Postgres

ANA, EVE = "a" * 32, "e" * 32


@pytest.fixture
async def store(every_url: str) -> AsyncIterator[Store]:
    async with Checkpoints.open(Settings(database_url=every_url, database_timeout_seconds=30)) as store:
        yield store


async def test_what_was_put_is_found_searched_and_deleted(store: Store) -> None:
    memory = store.memory(ANA)
    await memory.aput(("taste", "food"), "k", {"likes": "ñandú", "n": [1, None]})
    await memory.aput(("taste", "music"), "k", {"likes": "son"})
    item = await memory.aget(("taste", "food"), "k")
    assert item is not None
    assert (item.namespace, item.key, item.value) == (("taste", "food"), "k", {"likes": "ñandú", "n": [1, None]})
    found = await memory.asearch(("taste",), filter={"likes": "son"})
    assert [(it.namespace, it.value) for it in found] == [(("taste", "music"), {"likes": "son"})]
    await memory.adelete(("taste", "food"), "k")
    assert await memory.aget(("taste", "food"), "k") is None
    assert await memory.alist_namespaces() == [("taste", "music")]


async def test_namespaces_are_matched_as_if_there_were_no_owner(store: Store) -> None:
    memory = store.memory(ANA)
    for namespace in (("a",), ("a", "b"), ("a", "b", "c"), ("x", "b")):
        await memory.aput(namespace, "k", {})
    assert await memory.alist_namespaces(prefix=("a",)) == [("a",), ("a", "b"), ("a", "b", "c")]
    assert await memory.alist_namespaces(suffix=("b",)) == [("a", "b"), ("x", "b")]
    assert await memory.alist_namespaces(suffix=("*", "b")) == [("a", "b"), ("x", "b")]
    assert await memory.alist_namespaces(suffix=("*", "a")) == []
    assert await memory.alist_namespaces(prefix=("*", "b")) == [("a", "b"), ("a", "b", "c"), ("x", "b")]
    assert await memory.alist_namespaces(max_depth=1) == [("a",), ("x",)]


ODD = [
    "*",
    "%",
    "_",
    "?",
    "[a]",
    f"owner:{ANA}",
    "owner:",
    "..",
    "a.b",
    "",
    "\\",
    "'",
    '"',
    "a\nb",
    "ñ",
    "\0",
    "\ud800",
    "{}",
]


@pytest.mark.checklist("COST-1")
@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
async def test_no_namespace_reaches_another_owner(store: Store, odd: str) -> None:
    await store.memory(ANA).aput(("a",), "k", {"secret": "planted"})
    await store.memory("").aput(("a",), "k", {"secret": "planted"})
    memory = store.memory(EVE)
    for namespace in ((odd,), (odd, odd), (odd, "a"), ("..", f"owner:{ANA}", "a")):
        ops: list[Op] = [
            GetOp(namespace, "k"),
            GetOp(("a",), odd),
            SearchOp(namespace),
            SearchOp((), filter={"secret": odd}),
            SearchOp((), filter={odd: "planted"}),
            ListNamespacesOp((MatchCondition("prefix", namespace),)),
            ListNamespacesOp((MatchCondition("suffix", namespace),)),
            PutOp(namespace, "k", None),
            PutOp(namespace, "k", {"mine": odd}),
        ]
        for op in ops:
            try:
                (result,) = await memory.abatch([op])
            except (ValueError, StoreUnavailable):
                continue
            assert "planted" not in repr(result)
            assert f"owner:{ANA}" == odd or ANA not in repr(result)
    assert await store.memory(ANA).aget(("a",), "k") is not None
    assert [it.namespace for it in await store.memory(ANA).asearch(())] == [("a",)]
    assert [it.namespace for it in await store.memory("").asearch(())] == [("a",)]
    await store.memories.delete(EVE)
    assert await memory.asearch(()) == []
    assert await store.memory(ANA).aget(("a",), "k") is not None


@pytest.mark.parametrize("owner", ["A", "a.b", "a%", "a_", "a b", "ñ"])
async def test_only_a_principal_s_own_name_is_an_owner(store: Store, owner: str) -> None:
    with pytest.raises(ValueError, match="owner: digits and small letters"):
        store.memory(owner)


@pytest.mark.parametrize(
    ("namespace", "key", "value", "problem"),
    [
        ((), "k", {}, "namespace: give at least one label"),
        (("n" * 513,), "k", {}, "namespace: 513 bytes are more than 512"),
        (("n",), "", {}, "key: give one"),
        (("n",), "k" * 513, {}, "key: 513 bytes"),
        (("n",), "k\0", {}, "key: it holds NUL"),
        (("n",), "k\ud800", {}, "key: it holds NUL or half"),
        (("n",), "k", {"v": "x" * OwnerStore.MAX_VALUE_BYTES}, "value: 65544 bytes are more than 65536; keep less"),
        (("n",), "k", {"v": "a\0"}, "value: it holds NUL"),
        (("n",), "k", {"v": {1, 2}}, "value: no JSON"),
        (("n",), "k", {"v": "\ud800"}, "value: no JSON"),
    ],
)
async def test_what_cannot_be_kept_is_refused_by_its_name(
    store: Store, namespace: tuple[str, ...], key: str, value: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        await store.memory(ANA).abatch([PutOp(namespace, key, value)])
    assert await store.memory(ANA).asearch(()) == []


async def test_what_can_just_be_kept_is(store: Store) -> None:
    memory, value = store.memory(ANA), {"v": "x" * (OwnerStore.MAX_VALUE_BYTES - 8)}
    await memory.aput(("n" * 512,), "k" * 512, value)
    await memory.aput(("n",), "k", {"v": "\\u0000"})  # a text about NUL
    assert [it.value for it in await memory.asearch(("n" * 512,))] == [value]


async def test_a_search_gives_no_more_than_its_bound(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OwnerStore, "MAX_RESULTS", 2)
    memory = store.memory(ANA)
    for number in range(3):
        await memory.aput((f"n{number}",), "k", {})
    assert len(await memory.asearch((), limit=10**9)) == len(await memory.alist_namespaces(limit=10**9)) == 2
    assert await memory.asearch((), limit=-1) == []


async def test_threads_use_it_while_the_loop_goes_on(store: Store) -> None:
    memory = store.memory(ANA)

    def work(number: int) -> Any:
        memory.put(("n",), f"k{number}", {"n": number})
        item = memory.get(("n",), f"k{number}")
        return item and item.value

    with ThreadPoolExecutor(8) as pool:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(30):
            found = await asyncio.gather(*(loop.run_in_executor(pool, work, it) for it in range(16)))
            assert found == [{"n": it} for it in range(16)]
            assert len(await asyncio.to_thread(memory.search, ("n",), limit=20)) == 16


async def test_in_the_loop_itself_it_is_refused_instead_of_waiting_for_itself(store: Store) -> None:
    with pytest.raises(RuntimeError, match="use the asynchronous method"):
        store.memory(ANA).get(("n",), "k")


async def test_its_pages_hold_every_item_once(store: Store) -> None:
    memory = store.memory(ANA)
    places = [((name,), key) for name in ("b", "a", "a-") for key in ("2", "1")] + [(("a", "c"), "1")]
    for namespace, key in places:
        await memory.aput(namespace, key, {"is": key})
    await store.memory(EVE).aput(("a",), "1", {})
    found, after = list[Any](), START
    while page := await store.memories.page(ANA, after, 2):
        found += page
        after = (page[-1].namespace, page[-1].key)
    assert sorted((it.namespace, it.key) for it in found) == sorted(places)
    assert all(it.value == {"is": it.key} for it in found)
    assert all(abs(it.updated_at - datetime.now(UTC)) < timedelta(minutes=5) for it in found)


async def test_nothing_is_left_of_it_in_the_process(tmp_path: Path) -> None:
    before = (threading.active_count(), len(asyncio.all_tasks()))
    async with Checkpoints.open(Settings(database_url=f"sqlite:///{tmp_path}/threads.sqlite")) as store:
        await store.memory(ANA).aput(("n",), "k", {})
        await asyncio.to_thread(int)
        assert len(asyncio.all_tasks()) == before[1]


async def test_no_task_waits_for_it_on_postgresql(database_url: str) -> None:
    async with Checkpoints.open(Settings(database_url=database_url)) as store:
        tasks = {it.get_coro().__qualname__ for it in asyncio.all_tasks()}  # type: ignore[union-attr]
        await store.memory(ANA).aput(("n",), "k", {})
        assert not [it for it in tasks if it == "_run"]


async def test_a_file_that_another_process_locks_is_told(tmp_path: Path) -> None:
    path = tmp_path / "threads.sqlite"
    async with SqliteStore(path, timeout_seconds=0.1) as store:
        foreign = sqlite3.connect(path)
        foreign.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable):
            await store.memory(ANA).aput(("n",), "k", {})
        foreign.close()
        await store.memory(ANA).aput(("n",), "k", {})
        assert await store.memory(ANA).aget(("n",), "k") is not None


async def test_a_server_that_is_away_is_told(mortal_postgres: Postgres) -> None:
    settings = Settings(database_url=mortal_postgres.make_database("threads"), database_timeout_seconds=0.5)
    async with Checkpoints.open(settings) as store:
        memory = store.memory(ANA)
        await memory.aput(("n",), "k", {"v": 1})
        mortal_postgres.stop()
        with pytest.raises(StoreUnavailable):
            await asyncio.to_thread(memory.get, ("n",), "k")
        mortal_postgres.start()
        assert (await memory.asearch(()))[0].value == {"v": 1}


async def test_processes_that_start_at_once_make_its_tables_once(tmp_path: Path) -> None:
    stores = [SqliteStore(tmp_path / "threads.sqlite", 5) for _ in range(6)]
    await asyncio.gather(*(store.__aenter__() for store in stores))
    for number, store in enumerate(stores):
        await store.memory(ANA).aput(("n",), f"k{number}", {})
    assert len(await stores[0].memory(ANA).asearch(())) == len(stores)
    await asyncio.gather(*(store.__aexit__() for store in stores))


def test_the_label_of_an_owner_is_no_other_s() -> None:
    assert len({Memories.label(it) for it in ("", ANA, EVE, "owner")}) == 4
