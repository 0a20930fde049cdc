"""P12: a conversation goes on where it was, on another host with the same DATABASE_URL. Nothing is copied."""

from pathlib import Path
from typing import Any
from uuid import UUID

from tests.harness.platforms.hosts import FastAPIHost, Host, LangGraphHost, new_thread
from tests.harness.platforms.parity import SET

FIRST, NEXT = SET["questions"][SET["after"]], SET["follow_up"]


async def test_a_thread_of_the_services_own_server_goes_on_at_the_langgraph_server_and_back(tmp_path: Path) -> None:
    where = {"DATABASE_URL": f"sqlite:///{tmp_path}/threads.sqlite"}
    alone, thread = new_thread(), new_thread()
    with FastAPIHost.started(where, tmp_path / "before") as host:
        await host.ask(FIRST, alone)
        expected = await host.ask(NEXT, alone)
        first = await host.ask(FIRST, thread)
        await host.ask("Cancel order 61", waiting := new_thread())
    with LangGraphHost.started(where, tmp_path / "there") as host:
        assert isinstance(host, LangGraphHost)
        moved = await host.ask(NEXT, thread)
        assert Host.comparable(moved) == Host.comparable(expected)
        assert moved["thread_id"] == thread
        left = await host.run(str(UUID(thread)), input={"message": FIRST})
        said: list[dict[str, Any]] = left["messages"]
        assert [it["content"] for it in said[:4]] == [FIRST, first["answer"], NEXT, moved["answer"]]
        async with host.client() as client:
            await client.threads.create(thread_id=waiting, graph_id="agent")
            state: Any = await client.threads.get_state(waiting)
        done = await host.decide(state["interrupts"][0]["value"][0]["id"], "approve", waiting)
        assert "cancelled" in done["answer"]
    with FastAPIHost.started(where, tmp_path / "after") as host:
        assert Host.comparable(await host.ask(NEXT, thread)) == Host.comparable(moved)
