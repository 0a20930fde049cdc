"""A2A over a real socket, by the protocol's own client and by its two bindings."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from a2a.client import Client
from a2a.helpers.proto_helpers import get_data_parts, get_message_text
from a2a.types.a2a_pb2 import (
    CancelTaskRequest,
    GetTaskRequest,
    ListTasksRequest,
    SendMessageConfiguration,
    SubscribeToTaskRequest,
    Task,
    TaskPushNotificationConfig,
    TaskState,
)
from a2a.utils.errors import (
    InvalidParamsError,
    PushNotificationNotSupportedError,
    TaskNotCancelableError,
    TaskNotFoundError,
    UnsupportedOperationError,
)

from harness.auth.api_key import NewKey
from harness.auth.principal import Scope
from harness.errors import ThreadBusy
from harness.service import Service
from harness.settings import Settings
from tests.support.a2a_caller import (
    BINDINGS,
    PATIENCE_SECONDS,
    SLOW,
    A2AServer,
    Caller,
    SlowAgent,
    all_of,
    message,
    names,
    sent,
    short,
)
from tests.support.approving import CANCEL, WAITS, cancelled
from tests.support.callers import ANA, EVE, Guarded

pytestmark = [pytest.mark.checklist("INT-2"), pytest.mark.usefixtures("no_order_has_run")]

ANA_ASKS = NewKey.make("ana", [Scope.CHAT], None)
"""A program of Ana's: it asks in her name, and may not approve."""

QUESTION = "How many moons has Mars?"


@pytest.fixture
async def server() -> AsyncIterator[A2AServer]:
    async with A2AServer.of() as server:
        yield server


@pytest.fixture
async def caller(server: A2AServer) -> AsyncIterator[Caller]:
    async with server.caller() as caller:
        yield caller


@pytest.fixture
async def slow() -> AsyncIterator[Caller]:
    """A caller of a service whose one agent is slow."""
    SlowAgent.reset()
    settings = Settings(database_url="memory://", disable_llm=True)
    async with A2AServer.of(settings, SLOW) as server, server.caller() as caller:
        yield caller


@pytest.fixture
async def guarded_server(guarded: Guarded) -> AsyncIterator[A2AServer]:
    """A service that knows its callers."""
    with guarded.file.open("a") as file:
        file.write(f"{ANA_ASKS.record.line}\n")
    async with A2AServer.of(guarded.settings) as server:
        yield server


@pytest.fixture(params=BINDINGS)
def binding(request: pytest.FixtureRequest) -> str:
    """Each binding in turn."""
    return str(request.param)


@pytest.fixture
async def client(caller: Caller, binding: str) -> Client:
    return await caller.client(binding)


def answer(task: Task) -> str:
    return str(task.artifacts[0].parts[0].text)


async def test_everybody_reads_the_card_which_tells_agents_bindings_and_how_to_prove_who_calls(
    guarded_server: A2AServer,
) -> None:
    async with guarded_server.caller() as nobody:
        read = await nobody.http.get("/.well-known/agent-card.json")
        card = read.json()
        assert [it["id"] for it in card["skills"]] == ["moons", "heights", "flaky", "buggy", "orders"]
        assert card["skills"][0]["examples"] == ["How many moons has Mars?", "Moons of Saturn"]
        assert [(it["url"], it["protocolBinding"], it["protocolVersion"]) for it in card["supportedInterfaces"]] == [
            (f"{nobody.address}/a2a", "JSONRPC", "1.0"),
            (f"{nobody.address}/a2a/rest", "HTTP+JSON", "1.0"),
        ]
        assert card["capabilities"] == {"streaming": True, "pushNotifications": False, "extendedAgentCard": False}
        assert card["securitySchemes"]["bearer"]["httpAuthSecurityScheme"]["scheme"] == "Bearer"
        assert card["securitySchemes"]["apiKey"]["apiKeySecurityScheme"]["name"] == "X-API-Key"
        assert read.headers["cache-control"] == "public, max-age=300"
        assert read.headers["last-modified"].endswith("GMT")
        again = await nobody.http.get(read.url.path, headers={"If-None-Match": read.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert (await nobody.http.post("/.well-known/agent-card.json")).status_code == 401
        assert (await nobody.http.get("/a2a/rest/tasks")).status_code == 401


async def test_a_question_becomes_a_task_with_the_answer(client: Client) -> None:
    events = await all_of(client.send_message(message(QUESTION)))
    told = names(events)
    assert told[0] == "task submitted"
    assert told[1] == "working"
    assert told[-2:] == ["artifact_update", "completed"]
    task = await client.get_task(GetTaskRequest(id=events[0].task.id))
    assert short(task.status.state) == "completed"
    assert answer(task) == "mars has 2 moons."
    [data] = get_data_parts(task.artifacts[0].parts)
    assert data["sources"] == [{"title": "Table of moons", "url": "https://tables.example/moons"}]
    assert {"degradedBecause", "runId", "notices", "agents", "usage"} <= data.keys()
    assert not [name for name in data if "_" in name]
    assert [get_message_text(it) for it in task.history] == [QUESTION]


async def test_the_pieces_of_a_stream_are_the_answer_which_replaces_them(client: Client) -> None:
    events = await all_of(client.send_message(message("How many moons has Mars and how high is Everest?")))
    updates = [it.artifact_update for it in events if it.WhichOneof("payload") == "artifact_update"]
    *pieces, last = updates
    assert [it.append for it in pieces] == [False, *[True] * (len(pieces) - 1)]
    assert (last.append, last.last_chunk) == (False, True)
    assert "".join(it.artifact.parts[0].text for it in pieces).split() == last.artifact.parts[0].text.split()
    assert {it.artifact.artifact_id for it in updates} == {"answer"}


async def test_a_conversation_goes_on_by_its_context(client: Client) -> None:
    first = await sent(client, message(QUESTION))
    second = await sent(client, message("And Saturn?", context_id=first.context_id))
    assert answer(second) == "saturn has 146 moons."
    assert second.context_id == first.context_id
    assert second.id != first.id


async def test_a_question_back_waits_for_input_and_is_answered_by_the_task_alone(client: Client) -> None:
    task = await sent(client, message("How many moons?"))
    assert short(task.status.state) == "input_required"
    assert get_message_text(task.status.message) == "Which planet?"
    done = await sent(client, message("Mars", task_id=task.id))
    assert (done.id, done.context_id, short(done.status.state)) == (task.id, task.context_id, "completed")
    assert answer(done) == "mars has 2 moons."
    assert [get_message_text(it) for it in done.history] == ["How many moons?", "Which planet?", "Mars"]


async def test_a_call_that_waits_runs_when_it_is_approved_and_once(client: Client) -> None:
    task = await sent(client, message(CANCEL))
    assert short(task.status.state) == "input_required"
    assert get_message_text(task.status.message) == WAITS
    [data] = get_data_parts(task.status.message.parts)
    [call] = data["approvals"]
    assert (call["agent"], call["tool"], call["arguments"]["number"]) == ("orders", "cancel", 7)
    assert cancelled() == []
    done = await sent(client, message(data={"decision": "approve", "id": call["id"]}, task_id=task.id))
    assert (short(done.status.state), answer(done)) == ("completed", "Order 7 is cancelled.")
    assert cancelled() == [7]
    with pytest.raises(UnsupportedOperationError):
        await all_of(client.send_message(message(data={"decision": "approve"}, task_id=task.id)))
    assert cancelled() == [7]


async def test_a_call_that_is_rejected_never_runs(client: Client) -> None:
    task = await sent(client, message(CANCEL))
    done = await sent(client, message(data={"decision": "reject"}, task_id=task.id))
    assert short(done.status.state) == "completed"
    assert cancelled() == []


@pytest.mark.parametrize("data", [{"decision": "yes"}, {"decision": "approve", "id": "0" * 32}, {"decision": 1}])
async def test_what_decides_nothing_changes_nothing(client: Client, data: dict[str, Any]) -> None:
    task = await sent(client, message(CANCEL))
    with pytest.raises(InvalidParamsError):
        await all_of(client.send_message(message(data=data, task_id=task.id)))
    assert short((await client.get_task(GetTaskRequest(id=task.id))).status.state) == "input_required"
    assert cancelled() == []


async def test_without_the_scope_the_task_waits_on_and_says_why_and_a_person_decides(guarded_server: A2AServer) -> None:
    async with guarded_server.caller(ANA_ASKS) as program, guarded_server.caller(ANA) as person:
        task = await program.send(CANCEL)
        tried = await program.send(data={"decision": "approve"}, taskId=task["id"])
        assert short(tried["status"]["state"]) == "input_required"
        assert "approve" in tried["status"]["message"]["parts"][0]["text"]
        assert tried["status"]["message"]["metadata"]["problem"] == "urn:problem:scope-missing"
        assert cancelled() == []
        done = await person.send(data={"decision": "approve"}, taskId=task["id"])
        assert short(done["status"]["state"]) == "completed"
        assert cancelled() == [7]


async def test_a_task_goes_on_when_a_person_has_decided_at_another_endpoint(guarded_server: A2AServer) -> None:
    async with guarded_server.caller(ANA_ASKS) as program, guarded_server.caller(ANA) as person:
        task = await program.send(CANCEL)
        (call,) = task["status"]["message"]["parts"][1]["data"]["approvals"]
        path = f"/v1/threads/{task['contextId']}/approvals/{call['id']}"
        assert (await person.http.post(path, json={"decision": "approve"})).status_code == 200
        done = await program.task(task["id"])
        assert short(done["status"]["state"]) == "completed"
        assert done["artifacts"][0]["parts"][0]["text"] == "Order 7 is cancelled."
        assert len(done["history"]) == 2
    assert cancelled() == [7]


async def test_what_can_be_tried_again_leaves_the_task_waiting(
    guarded_server: A2AServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(*_: object) -> None:
        raise ThreadBusy(1)

    async with guarded_server.caller(ANA) as ana:
        task = await ana.send(CANCEL)
        with monkeypatch.context() as broken:
            broken.setattr(Service, "decide", busy)
            tried = await ana.send(data={"decision": "approve"}, taskId=task["id"])
        assert short(tried["status"]["state"]) == "input_required"
        assert tried["status"]["message"]["metadata"]["retryAfterSeconds"] == "1"
        done = await ana.send(data={"decision": "approve"}, taskId=task["id"])
        assert short(done["status"]["state"]) == "completed"


async def test_what_is_refused_leaves_the_task_waiting_and_what_is_gone_ends_it(guarded_server: A2AServer) -> None:
    async with guarded_server.caller(ANA) as ana:
        asking = await ana.send("How many moons?")
        for text in ("x" * 5000, "a\0b"):
            tried = await ana.send(text, taskId=asking["id"])
            assert short(tried["status"]["state"]) == "input_required"
            assert tried["status"]["message"]["metadata"]["problem"] == "urn:problem:input-refused"
        done = await ana.send("Mars", taskId=asking["id"])
        assert short(done["status"]["state"]) == "completed"
        waiting = await ana.send(CANCEL)
        await ana.send(QUESTION, contextId=waiting["contextId"])  # withdraws the call
        ended = await ana.send(data={"decision": "approve"}, taskId=waiting["id"])
        assert short(ended["status"]["state"]) == "rejected"
        assert ended["status"]["message"]["metadata"]["problem"] == "urn:problem:approval-unknown"
    assert cancelled() == []


async def test_tasks_are_listed_page_by_page_the_newest_first(client: Client) -> None:
    tasks = [await sent(client, message(QUESTION)) for _ in range(3)]
    first = await client.list_tasks(ListTasksRequest(page_size=2))
    assert [it.id for it in first.tasks] == [tasks[2].id, tasks[1].id]
    assert (first.total_size, first.page_size) == (3, 2)
    assert not first.tasks[0].artifacts
    last = await client.list_tasks(ListTasksRequest(page_size=2, page_token=first.next_page_token))
    assert [it.id for it in last.tasks] == [tasks[0].id]
    assert last.next_page_token == ""
    of_one = ListTasksRequest(context_id=tasks[1].context_id, include_artifacts=True, history_length=0)
    [only] = (await client.list_tasks(of_one)).tasks
    assert (only.id, answer(only), len(only.history)) == (tasks[1].id, "mars has 2 moons.", 0)
    none = await client.list_tasks(ListTasksRequest(status=TaskState.TASK_STATE_FAILED))
    assert not none.tasks
    with pytest.raises(InvalidParamsError):
        await client.list_tasks(ListTasksRequest(page_token="nope"))


async def test_a_cancelled_task_stops_its_tool_and_ends_its_streams(slow: Caller, binding: str) -> None:
    client = await slow.client(binding)
    stream = asyncio.create_task(all_of(client.send_message(message(QUESTION))))
    async with asyncio.timeout(PATIENCE_SECONDS):
        await SlowAgent.started.wait()
        [task] = (await client.list_tasks(ListTasksRequest())).tasks
        ended = await client.cancel_task(CancelTaskRequest(id=task.id))
        assert short(ended.status.state) == "canceled"
        assert SlowAgent.cancelled.is_set()
        assert names(await stream)[-1] == "canceled"
    assert await slow.state(task.id) == "canceled"
    with pytest.raises(TaskNotCancelableError):
        await client.cancel_task(CancelTaskRequest(id=task.id))


async def test_whoever_subscribes_hears_the_rest_in_the_same_order(slow: Caller, binding: str) -> None:
    client = await slow.client(binding)
    request = message(QUESTION)
    request.configuration.CopyFrom(SendMessageConfiguration(return_immediately=True))
    first = asyncio.create_task(all_of(client.send_message(request)))
    async with asyncio.timeout(PATIENCE_SECONDS):
        await SlowAgent.started.wait()
        [task] = (await client.list_tasks(ListTasksRequest())).tasks
        subscribe = SubscribeToTaskRequest(id=task.id)
        left = client.subscribe(subscribe)
        assert names([await anext(left)]) == ["task working"]
        second = asyncio.create_task(all_of(client.subscribe(subscribe)))
        third = asyncio.create_task(all_of(client.subscribe(subscribe)))
        await asyncio.sleep(0.2)
        await left.aclose()  # type: ignore[attr-defined]
        SlowAgent.go_on.set()
        heard = [names(await it) for it in (first, second, third)]
    assert heard[1] == heard[2]
    assert heard[1][0] == "task working"
    assert heard[0][-len(heard[1]) + 1 :] == heard[1][1:]
    assert heard[1][-2:] == ["artifact_update", "completed"]
    with pytest.raises(UnsupportedOperationError):
        await all_of(client.subscribe(subscribe))


async def test_who_follows_a_task_that_waits_hears_what_is_done_with_it(client: Client) -> None:
    task = await sent(client, message(CANCEL))
    subscribe = SubscribeToTaskRequest(id=task.id)
    streams = [client.subscribe(subscribe) for _ in range(3)]
    for stream in streams:
        assert names([await anext(stream)]) == ["task input_required"]
    await streams[0].aclose()  # type: ignore[attr-defined]
    await sent(client, message(data={"decision": "approve"}, task_id=task.id))
    async with asyncio.timeout(PATIENCE_SECONDS):
        one, other = [await all_of(stream) for stream in streams[1:]]
    assert one == other
    assert names(one) == ["submitted", "working", "artifact_update", "completed"]


async def test_a_task_goes_on_when_its_caller_leaves(slow: Caller) -> None:
    task = await slow.send(QUESTION, now=True)
    assert short(task["status"]["state"]) == "submitted"
    async with asyncio.timeout(PATIENCE_SECONDS):
        await SlowAgent.started.wait()
        refused = await slow.send("And Saturn?", taskId=task["id"])
        assert refused["code"] == -32004
        SlowAgent.go_on.set()
        await slow.until(task["id"], "completed")


async def test_push_notifications_are_refused_whichever_way_they_are_asked_for(client: Client, caller: Caller) -> None:
    task = await sent(client, message(QUESTION))
    config = TaskPushNotificationConfig(task_id=task.id, url="http://127.0.0.1:1/x")
    with pytest.raises(PushNotificationNotSupportedError):
        await client.create_task_push_notification_config(config)
    request = message(QUESTION)
    request.configuration.task_push_notification_config.CopyFrom(config)
    with pytest.raises(PushNotificationNotSupportedError):
        await all_of(client.send_message(request))
    ways = [
        ("GET", "TaskPushNotificationConfig", {"taskId": task.id, "id": "x"}),
        ("GET", "ListTaskPushNotificationConfigs", {"taskId": task.id}),
        ("DELETE", "DeleteTaskPushNotificationConfig", {"taskId": task.id, "id": "x"}),
    ]
    for method, name, params in ways:
        called = name if name.startswith(("List", "Delete")) else f"Get{name}"
        assert (await caller.rpc(called, params))["error"]["code"] == -32003
        path = f"/a2a/rest/tasks/{task.id}/pushNotificationConfigs" + ("" if called.startswith("List") else "/x")
        assert (await caller.http.request(method, path)).status_code == 400


async def test_anothers_task_is_as_unknown_as_one_that_there_is_not(guarded_server: A2AServer, binding: str) -> None:
    async with guarded_server.caller(ANA) as ana, guarded_server.caller(EVE) as eve:
        task = await ana.send(CANCEL)
        client = await eve.client(binding)
        for task_id in (task["id"], "nope"):
            with pytest.raises(TaskNotFoundError):
                await client.get_task(GetTaskRequest(id=task_id))
            with pytest.raises(TaskNotFoundError):
                await client.cancel_task(CancelTaskRequest(id=task_id))
            with pytest.raises(TaskNotFoundError):
                await all_of(client.subscribe(SubscribeToTaskRequest(id=task_id)))
            with pytest.raises(TaskNotFoundError):
                await all_of(client.send_message(message(data={"decision": "approve"}, task_id=task_id)))
        assert not (await client.list_tasks(ListTasksRequest())).tasks
        own = await sent(client, message("And Saturn?", context_id=task["contextId"]))
        assert own.context_id == task["contextId"]
        assert await ana.state(task["id"]) == "input_required"
    assert cancelled() == []
