"""A graph that a tool calls with `invoke`, in the tool's thread, keeps its state like any other."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import tool
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.graph import START, StateGraph
from langgraph.types import Command, Send, interrupt

from harness.errors import StoreUnavailable
from harness.settings import Settings
from harness.storage.sql_store import SQLStore
from harness.storage.sqlite import Checkpoints, SqliteStore
from harness.storage.store import Store
from tests.harness.storage.test_store import keep, knows, of, run_that_degrades

PATIENCE_SECONDS = 30


@pytest.fixture
async def store(every_url: str) -> AsyncIterator[Store]:
    async with Checkpoints.open(Settings(database_url=every_url, database_timeout_seconds=30)) as store:
        yield store


class Counted(TypedDict, total=False):
    """What both graphs hold."""

    seen: Annotated[list[str], lambda old, new: [*old, *new]]


def nested(store: Store | None = None) -> Any:
    """A synchronous graph of two steps; without `store` its saver is its caller's."""
    builder = StateGraph(Counted)
    builder.add_node("one", lambda state: {"seen": ["one"]})
    builder.add_node("two", lambda state: {"seen": ["two"]})
    builder.add_edge(START, "one")
    builder.add_edge("one", "two")
    return builder.compile(checkpointer=store.saver if store else True)


def outer(store: Store, inner: Any, **config: Any) -> Any:
    """A graph whose node calls a synchronous tool that calls `inner`."""

    @tool
    def count() -> list[str]:
        """Count."""
        seen: list[str] = inner.invoke({"seen": ["asked"]}, config or None)["seen"]
        return seen

    def node(state: Counted) -> Counted:
        return {"seen": count.invoke({})}

    builder = StateGraph(Counted)
    builder.add_node("node", node)
    builder.add_edge(START, "node")
    return builder.compile(checkpointer=store.saver)


async def test_it_inherits_the_saver_of_the_graph_around_it(store: Store) -> None:
    graph = outer(store, nested())
    async with asyncio.timeout(PATIENCE_SECONDS):
        await graph.ainvoke({"seen": []}, of("t"))
        state = await graph.ainvoke({"seen": []}, of("t"))
    assert state["seen"] == ["asked", "one", "two"] + ["asked", "one", "two"] * 2  # it remembers the first time


async def test_its_own_thread_is_read_and_written(store: Store) -> None:
    inner = nested(store)
    graph = outer(store, inner, configurable={"thread_id": "t inner", "checkpoint_ns": ""})
    async with asyncio.timeout(PATIENCE_SECONDS):
        await graph.ainvoke({"seen": []}, of("t"))
        await graph.ainvoke({"seen": []}, of("t"))
    saved = await inner.aget_state({"configurable": {"thread_id": "t inner"}})
    assert saved.values["seen"] == ["asked", "one", "two"] * 2
    await store.delete_thread("t")
    assert not await knows(store, "t inner")


async def test_many_of_them_run_side_by_side(store: Store) -> None:
    inner = nested(store)

    def work(number: int) -> list[str]:
        config: RunnableConfig = {"configurable": {"thread_id": f"t{number} inner"}}
        seen: list[str] = inner.invoke({"seen": []}, config)["seen"]
        return seen

    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(12) as pool:
        async with asyncio.timeout(PATIENCE_SECONDS):
            found = await asyncio.gather(*(loop.run_in_executor(pool, work, it) for it in range(12)))
    assert found == [["one", "two"]] * 12


async def test_a_saver_s_synchronous_methods_work_in_a_thread(store: Store) -> None:
    def work() -> tuple[int, bool]:
        saver, checkpoint = store.saver, empty_checkpoint()
        config = saver.put(of("t"), checkpoint, {}, {})
        saver.put_writes(config, [("channel", 1)], "00000000-0000-0000-0000-000000000001", "path")
        saved = saver.get_tuple(of("t"))
        assert saved is not None
        assert [(it[1], it[2]) for it in saved.pending_writes or ()] == [("channel", 1)]
        listed = len(list(saver.list(of("t"))))
        saver.get_delta_channel_history(config=config, channels=["channel"])
        saver.delete_thread("t")
        return listed, saver.get_tuple(of("t")) is None

    async with asyncio.timeout(PATIENCE_SECONDS):
        assert await asyncio.to_thread(work) == (1, True)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_in_the_loop_itself_they_are_refused(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> None:
    url = f"sqlite:///{tmp_path}/t" if kind == "sqlite" else request.getfixturevalue("database_url")
    async with Checkpoints.open(Settings(database_url=url)) as store:
        with pytest.raises((RuntimeError, asyncio.InvalidStateError)):
            store.saver.get_tuple(of("t"))


async def test_a_failure_in_a_thread_is_the_run_s(tmp_path: Path) -> None:
    path = tmp_path / "threads.sqlite"
    async with SqliteStore(path, timeout_seconds=0.1) as store:
        await keep(store, "t")
        await store._execute([("ALTER TABLE checkpoints RENAME TO elsewhere", ())])
        with pytest.raises(StoreUnavailable):
            await asyncio.to_thread(store.saver.get_tuple, of("t"))
        with run_that_degrades() as saving:
            assert await asyncio.to_thread(store.saver.get_tuple, of("t")) is None
            assert saving.failed


@pytest.mark.parametrize(("kind", "table"), [("sqlite", "writes"), ("postgresql", "checkpoint_writes")])
async def test_what_parallel_steps_wrote_is_kept_with_their_paths(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str, table: str
) -> None:
    """Earned by a saver whose signature hid `task_path`: LangGraph then leaves the order of steps out."""
    builder = StateGraph(Counted)
    builder.add_node("ask", lambda state: {"seen": [interrupt(state["seen"][0])]})
    builder.add_conditional_edges(START, lambda _: [Send("ask", {"seen": [it]}) for it in "ab"], ["ask"])
    url = f"sqlite:///{tmp_path}/t" if kind == "sqlite" else request.getfixturevalue("database_url")
    async with Checkpoints.open(Settings(database_url=url)) as store:
        assert isinstance(store, SQLStore)
        graph: Any = builder.compile(checkpointer=store.saver)
        await graph.ainvoke({"seen": []}, of("t"))
        paths = await store._query(f"SELECT DISTINCT task_path FROM {table}")
        assert len([it for (it,) in paths if "push" in it]) == 2
        waiting = (await graph.aget_state(of("t"))).interrupts
        state = await graph.ainvoke(Command(resume={it.id: it.value.upper() for it in waiting}), of("t"))
        assert state["seen"] == ["A", "B"]
