"""P3: who calls, what they may do and how much of it, as on the service's own server."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import httpx2
import orjson
import pytest

from tests.harness.platforms.conftest import guarded
from tests.harness.platforms.hosts import HOSTS, Host, LangGraphHost, new_thread, outcome
from tests.support.callers import ANA, ANA_TALKER, EVE, TALKER, by

TIMEOUT_SECONDS = 5
LIMITS = {
    "REQUEST_TIMEOUT_SECONDS": str(TIMEOUT_SECONDS),
    "RUN_MAX_MODEL_CALLS": "1",
    "QUOTA_CALLER_DAY_MESSAGES": "3",
    "RATE_CALLER_PER_MINUTE": "30",
}


def events(host: Host, name: str) -> list[dict[str, Any]]:
    """Its log lines of this name."""
    lines = [orjson.loads(it) for it in host.process.log.splitlines() if it.startswith("{")]
    return [it for it in lines if it["event"] == name]


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer ak_wrong"}, {"X-Auth-Scheme": "langsmith", "X-API-Key": "x"}]
)
@pytest.mark.parametrize(
    "path", ["/threads/search", "/runs/wait", "/threads", "/assistants/search", "/store/items", "/mcp/"]
)
def test_nobody_without_a_key_is_let_in(server: LangGraphHost, path: str, headers: dict[str, str]) -> None:
    answer = httpx2.post(
        f"{server.address}{path}", json={"assistant_id": "agent", "input": {"message": "hi"}}, headers=headers
    )
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("path", "expected"), [("/ok", 200), ("/healthz", 200), ("/readyz", 200), ("/info", 401), ("/v1/agents", 401)]
)
def test_probes_are_open_and_nothing_else(server: LangGraphHost, path: str, expected: int) -> None:
    assert httpx2.get(f"{server.address}{path}").status_code == expected


def test_the_metrics_are_the_services_own(server: LangGraphHost) -> None:
    assert "build_info" in httpx2.get(f"{server.address}/metrics").text


async def test_a_thread_is_its_owners_alone(server: LangGraphHost) -> None:
    reply = await server.ask("Cancel order 31", thread := new_thread(), ANA)
    call = reply["approvals"][0]["id"]
    resume: Any = {"command": {"resume": {"id": call, "verdict": "approve"}}}
    async with server.client(EVE) as eve:
        assert await outcome(eve.threads.get(thread)) == 404
        assert await outcome(eve.threads.get_state(thread)) == 404
        assert await outcome(eve.threads.delete(thread)) == 404
        assert await outcome(eve.runs.wait(thread, "agent", input={"message": "State of order 1"})) == 404
        assert await outcome(eve.runs.wait(thread, "agent", **resume)) == 404
        assert await outcome(eve.runs.list(thread)) in (200, 404)
        assert await eve.threads.search() == []
        assert await eve.threads.search(metadata={"owner": "x"}) == []
    async with server.client(ANA) as ana:
        own: Any = await ana.threads.create(thread_id=new_thread(), metadata={"owner": "someone else"})
        other: Any = await ana.threads.get(thread)
        assert own["metadata"]["owner"] == other["metadata"]["owner"]
        assert {it["thread_id"] for it in await ana.threads.search(limit=100)} >= {own["thread_id"]}
        runs = await ana.runs.list(thread)
        assert len(runs) == 1
        assert await outcome(ana.threads.delete(thread)) == 200
        assert await outcome(ana.threads.get(thread)) == 404
    assert '"order_cancelled"' not in "".join(it for it in server.process.log.splitlines() if ":31," in it)


async def test_a_scope_is_asked_for_as_everywhere(server: LangGraphHost) -> None:
    thread = new_thread()
    waiting = await server.ask("Cancel order 32", thread, TALKER)
    call = waiting["approvals"][0]["id"]
    resume: Any = {"command": {"resume": {"id": call, "verdict": "approve"}}}
    async with server.client(TALKER) as talker:
        assert await outcome(talker.runs.wait(thread, "agent", **resume)) == 403
        assert await outcome(talker.threads.get_state(thread)) == 403
        assert await outcome(talker.threads.search()) == 403
        assert await outcome(talker.threads.delete(thread)) == 403
        left: Any = await talker.runs.wait(None, "agent", input={"message": "State of order 1"})
    assert [(it["type"], it["content"]) for it in left["messages"]] == [("ai", "Order 1 is open.")]


async def test_who_may_only_chat_reads_nothing_of_a_thread(server: LangGraphHost) -> None:
    """But the answers to its own runs, as they come; another key of the same name reads it all."""
    thread, said = new_thread(), {"message": "State of order 33"}
    await server.ask(said["message"], thread, ANA)
    async with server.client(ANA) as ana, server.client(ANA_TALKER) as talker:
        (run,) = await ana.runs.list(thread)
        for work in (
            talker.threads.get(thread),
            talker.threads.get_history(thread),
            talker.runs.list(thread),
            talker.runs.get(thread, run["run_id"]),
            talker.runs.join(thread, run["run_id"]),
            talker.runs.cancel(thread, run["run_id"]),
            talker.runs.create(thread, "agent", input=said, multitask_strategy="rollback"),
        ):
            assert await outcome(work) == 403
        assert await outcome(talker.threads.create(thread_id=thread, if_exists="do_nothing")) == 409
        told = [it async for it in talker.runs.join_stream(thread, run["run_id"])]
        assert "order" not in str(told).lower()
        made = await talker.threads.create()
        waited: Any = await talker.runs.wait(made["thread_id"], "agent", input=said)
        parts = [it async for it in talker.runs.stream(thread, "agent", input=said, stream_mode=["values"])]
        assert (await talker.runs.create(thread, "agent", input=said))["status"] == "pending"
        assert (await ana.threads.get(thread))["thread_id"]
    for values in (waited, parts[-1].data):
        assert [it["content"] for it in values["messages"]] == ["Order 33 is open."]


async def test_what_the_services_own_api_has_not_is_refused_in_words(server: LangGraphHost) -> None:
    run = {"assistant_id": "agent", "input": {"message": "State of order 1"}}
    await server.ask(run["input"]["message"], thread := new_thread(), ANA)  # type: ignore[index]  # a text
    asked: list[tuple[str, Any, int]] = [
        ("/runs/batch", [run] * 400, 403),
        ("/runs", {**run, "after_seconds": 10**8}, 422),
        ("/threads/prune", {"thread_ids": [str(UUID(thread))]}, 403),
    ]
    for path, body, status in asked:
        answer = httpx2.post(f"{server.address}{path}", json=body, headers=by(ANA))
        assert (answer.status_code, " " in answer.json()["detail"]) == (status, True), path
        assert "authorization will not help" not in answer.text
    async with server.client(ANA) as ana:
        assert (await ana.threads.get(thread))["status"] == "idle"


async def test_a_caller_queues_as_many_runs_as_may_be_under_way(keys: Path, tmp_path: Path) -> None:
    settings = {"CALLER_MAX_RUNNING": "3", "REQUEST_TIMEOUT_SECONDS": "20"}
    with contextmanager(guarded)(LangGraphHost, keys, tmp_path / "queue", **settings) as server:
        assert isinstance(server, LangGraphHost)
        async with server.client(ANA) as ana, server.client(EVE) as eve:
            asked = [ana.runs.create(None, "agent", input={"message": "State of order 13"}) for _ in range(5)]
            assert [await outcome(it) for it in asked] == [200, 200, 200, 429, 429]
            left: Any = await eve.runs.wait(None, "agent", input={"message": "State of order 1"})
    assert left["reply"]["answer"] == "Order 1 is open."


@pytest.mark.parametrize("resource", ["assistants", "crons", "store", "webhook", "metadata", "mcp", "stream"])
async def test_nothing_else_is_served(server: LangGraphHost, resource: str) -> None:
    await server.ask("State of order 1", thread := new_thread(), ANA)
    async with server.client(ANA) as ana:
        asked: dict[str, Any] = {
            "assistants": ana.assistants.create("agent", config={"configurable": {"x": 1}}),
            "crons": ana.crons.create("agent", schedule="* * * * *", input={"message": "hi"}),
            "store": ana.store.put_item(("a",), "k", {"v": 1}),
            "webhook": ana.runs.create(thread, "agent", input={"message": "hi"}, webhook="http://127.0.0.1/x"),
            "metadata": ana.threads.update(thread, metadata={"owner": "eve"}),
            "mcp": ana.http.post("/mcp/", json={}),
            "stream": ana.http.post(f"/threads/{thread}/commands", json={}),
        }
        work = asked.pop(resource)
        for other in asked.values():
            other.close()
        assert await outcome(work) in (403, 404, 405, 422)


@pytest.mark.parametrize(("key", "size", "expected"), [(ANA, 200_000, 413), (None, 200_000, 401), (ANA, 100, 422)])
def test_a_body_beyond_its_limit_is_refused_with_its_status(
    server: LangGraphHost, key: Any, size: int, expected: int
) -> None:
    body = {"assistant_id": "agent", "input": {"message": "", "more": "x" * size}}
    answer = httpx2.post(f"{server.address}/runs/wait", json=body, headers=by(key) if key else {})
    assert answer.status_code == expected
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_a_run_has_its_lines_in_the_logs(server: LangGraphHost) -> None:
    await server.ask("State of order 41", thread := new_thread(), ANA)
    for name in ("audit", "turn", "model_call"):
        assert [it for it in events(server, name) if it["thread_id"] == thread], name
    (audit,) = [it for it in events(server, "audit") if it["thread_id"] == thread]
    async with server.client(ANA) as ana:
        kept: Any = await ana.threads.get(thread)
    assert audit["owner"] == kept["metadata"]["owner"]
    assert "Logging error" not in server.process.log
    assert ANA.text not in server.process.log


async def test_a_run_that_is_cancelled_ends(server: LangGraphHost) -> None:
    thread = new_thread()
    async with server.client(ANA) as ana:
        await ana.threads.create(thread_id=thread)
        run = await ana.runs.create(thread, "agent", input={"message": "State of order 13"})
        await ana.runs.cancel(thread, run["run_id"], wait=True)
        assert (await ana.runs.get(thread, run["run_id"]))["status"] == "interrupted"
    assert (await server.ask("State of order 1", thread, ANA))["answer"] == "Order 1 is open."


@pytest.fixture(scope="module", params=HOSTS, ids=lambda it: it.name)
def limited(request: pytest.FixtureRequest, keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """Each host, with small limits."""
    yield from guarded(request.param, keys, tmp_path_factory.mktemp("limited"), **LIMITS)


async def test_the_limits_of_a_run_hold_on_every_host(limited: Host) -> None:
    """The deadline, the budget, and the quota of a day: three messages."""
    started = time.monotonic()
    late = await limited.ask("State of order 13", new_thread(), ANA)
    seconds = time.monotonic() - started
    assert seconds < 2 * TIMEOUT_SECONDS  # the queue of a LangGraph server looks once a second
    assert "out_of_time" in late["degraded_because"]
    spent = await limited.ask("State of order 1", new_thread(), ANA)
    assert "over_budget" in spent["degraded_because"]
    await limited.ask("State of order 2", new_thread(), ANA)
    with pytest.raises((httpx.HTTPStatusError, httpx2.HTTPStatusError)) as refusal:
        await limited.ask("State of order 3", new_thread(), ANA)
    answer: Any = getattr(refusal.value, "response")  # noqa: B009  # of two libraries
    assert (answer.status_code, answer.json()["type"]) == (429, "urn:problem:limit-reached")
    assert int(answer.headers["Retry-After"]) > 0


async def test_the_rate_of_a_caller_holds_on_every_host(limited: Host) -> None:
    answers = [httpx2.get(f"{limited.address}/v1/agents", headers=by(EVE)) for _ in range(29)]
    assert {it.status_code for it in answers} == {200}
    if isinstance(limited, LangGraphHost):
        last = httpx2.post(f"{limited.address}/threads/search", json={}, headers=by(EVE))
        assert last.headers["RateLimit"].startswith('"caller";r=0')
        refused = httpx2.post(f"{limited.address}/threads/search", json={}, headers=by(EVE))
        assert refused.status_code == 429
        assert int(refused.headers["Retry-After"]) > 0
