"""What A2A refuses, what fails behind it, and what is left of a task: nothing that its caller must not see."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from harness.errors import StoreUnavailable
from harness.runtime.replies import Event
from harness.service import Service
from harness.settings import Settings
from harness.storage.records import RecordsInMemory
from tests.conftest import Lines
from tests.support.a2a_caller import PATIENCE_SECONDS, SLOW, A2AServer, Caller, SlowAgent, short
from tests.support.callers import ANA, Guarded
from tests.support.endpoints.base import clients

pytestmark = [pytest.mark.checklist("INT-2"), pytest.mark.usefixtures("no_order_has_run")]

QUESTION = "How many moons has Mars?"
CARD = "4111 1111 1111 1111"
SECRET = "at http://internal with password=hunter2"
JSON = {"Content-Type": "application/json"}
SEND = "/a2a/rest/message:send"
STREAM = "/a2a/rest/message:stream"


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with A2AServer.of() as server, server.caller() as caller:
        yield caller


def said(text: str = QUESTION, **more: Any) -> dict[str, Any]:
    return {"message": {"role": "ROLE_USER", "messageId": "m1", "parts": [{"text": text}], **more}}


async def code(caller: Caller, params: Any, method: str = "SendMessage", **more: Any) -> int:
    """The code of the error that a call gets, the same in the name of the other binding."""
    told = await caller.rpc(method, params, **more)
    return int(told["error"]["code"])


async def reason(caller: Caller, path: str, body: Any, **more: Any) -> tuple[int, str]:
    """The same by HTTP+JSON: status and reason."""
    answer = await caller.http.post(path, json=body, **more)
    error = answer.json()["error"]
    assert error["code"] == answer.status_code
    return answer.status_code, error["details"][0]["reason"]


async def test_another_version_of_the_protocol_is_refused(caller: Caller) -> None:
    for version in ("", "0.3", "2.0", "x"):
        headers = {"A2A-Version": version}
        assert await code(caller, said(), headers=headers) == -32009
        for path in (SEND, STREAM):
            assert await reason(caller, path, said(), headers=headers) == (400, "VERSION_NOT_SUPPORTED")


async def test_a_body_is_held_to_its_word(caller: Caller) -> None:
    for path in ("/a2a", "/a2a/", SEND, STREAM):
        for kind in ("text/plain", "application/xml", 'application/json; charset="utf-16"'):
            answer = await caller.http.post(path, content=b"{}", headers={"Content-Type": kind})
            assert answer.status_code == 415
            assert "error" in answer.json()
        for kind in ("application/json", "application/a2a+json; charset=utf-8"):
            answer = await caller.http.post(path, content=b"{}", headers={"Content-Type": kind})
            assert answer.status_code != 415


BROKEN = [
    b"{",
    b"\xff\xfe",
    b'{"a": NaN}',
    b'{"jsonrpc": "2.0", "jsonrpc": "2.0", "method": "ListTasks", "id": 1}',
    b"[" * 10_000,
]


@pytest.mark.parametrize("body", BROKEN, ids=range(len(BROKEN)))
async def test_what_is_no_json_by_the_letter_is_told_so(caller: Caller, body: bytes) -> None:
    rpc = await caller.http.post("/a2a", content=body, headers=JSON)
    assert (rpc.status_code, rpc.json()["error"]) == (200, {"code": -32700, "message": "Parse error"})
    for path in (SEND, STREAM):
        rest = await caller.http.post(path, content=body, headers=JSON)
        assert (rest.status_code, rest.json()["error"]["message"]) == (400, "Invalid JSON payload")


async def test_what_cannot_be_read_is_not_repeated(caller: Caller) -> None:
    shapes = [
        {"message": SECRET},
        {"message": {"role": "ROLE_USER", "messageId": "m", "parts": SECRET}},
        {"message": {"role": {"x": SECRET}, "messageId": "m", "parts": [{"text": "x"}]}},
        {"message": {"role": "ROLE_USER", "messageId": "m", "parts": [{"raw": SECRET}]}},
        {"message": {"role": "ROLE_USER", "messageId": "m", "parts": [{"text": "\ud800" + SECRET}]}},
        {
            "message": {"role": "ROLE_USER", "messageId": "m", "parts": [{"text": "x"}]},
            "configuration": {"historyLength": SECRET},
        },
    ]
    for shape in shapes:
        body = json.dumps({"jsonrpc": "2.0", "id": 7, "method": "SendMessage", "params": shape})
        rpc = await caller.http.post("/a2a", content=body, headers=JSON)
        assert rpc.json()["error"]["code"] in (-32602, -32005)
        assert rpc.json()["id"] == 7
        rest = await caller.http.post(SEND, content=json.dumps(shape), headers=JSON)
        assert rest.status_code == 400
        assert "hunter2" not in rpc.text + rest.text
    query = await caller.http.get("/a2a/rest/tasks", params={"pageSize": SECRET})
    assert (query.status_code, "hunter2" in query.text) == (400, False)


async def test_calls_that_there_are_not_have_their_code(caller: Caller) -> None:
    assert await code(caller, {}, "message/send") == -32601
    assert await code(caller, {}, "Nonsense") == -32601
    for batch in ([{"jsonrpc": "2.0", "id": 1, "method": "ListTasks"}], [], 7, "x"):
        assert (await caller.http.post("/a2a", json=batch)).json()["error"]["code"] == -32600
        assert await reason(caller, SEND, batch) == (400, "INVALID_REQUEST")
    assert await code(caller, 7, "ListTasks") == -32600
    for body in ({"id": 1, "method": "ListTasks"}, {"jsonrpc": "1.0", "id": 1, "method": "ListTasks"}):
        assert (await caller.http.post("/a2a", json=body)).json()["error"]["code"] == -32600
    assert await code(caller, {}, "GetExtendedAgentCard") == -32004
    assert await code(caller, {}, "GetTask") == -32602
    for path, method in (("/a2a", "GET"), (SEND, "GET"), ("/a2a/rest/tasks", "POST")):
        refused = await caller.http.request(method, path)
        assert (refused.status_code, "allow" in refused.headers) == (405, True)


async def test_no_path_of_a_tenant_leads_anywhere(caller: Caller, guarded: Guarded) -> None:
    for path in (f"/acme{SEND}", "/acme/tasks", "/acme/message:send"):
        assert (await caller.http.post(path, json=said())).status_code == 404
    async with A2AServer.of(guarded.settings) as server, server.caller() as nobody:
        for path in ("/a2a", "/a2a/", SEND, STREAM, "/a2a/rest/tasks/x:cancel", f"/acme{SEND}"):
            assert (await nobody.http.post(path, json=said())).status_code == 401


async def test_what_a_message_may_not_be(caller: Caller) -> None:
    raw = {"role": "ROLE_USER", "messageId": "m", "parts": [{"raw": "dGNr", "mediaType": "application/x-nothing"}]}
    assert await code(caller, {"message": raw}) == -32005
    assert await reason(caller, SEND, {"message": raw}) == (400, "CONTENT_TYPE_NOT_SUPPORTED")
    url = {**raw, "parts": [{"url": "http://127.0.0.1:1/x", "mediaType": "text/plain"}]}
    assert await code(caller, {"message": url}) == -32005
    data = {**raw, "parts": [{"data": {"x": 1}}]}
    for shape in (said(" "), {"message": data}, said(contextId="x:y z"), said(contextId="x" * 65), {}):
        assert await code(caller, shape) == -32602
    assert not (await caller.rpc("ListTasks", {}))["result"]["tasks"]


async def test_a_task_that_is_over_takes_no_message_and_no_other_context(caller: Caller) -> None:
    task = await caller.send(QUESTION)
    assert await code(caller, said(taskId=task["id"])) == -32004
    assert await reason(caller, SEND, said(taskId=task["id"])) == (400, "UNSUPPORTED_OPERATION")
    assert await code(caller, {"id": task["id"]}, "CancelTask") == -32002
    assert await code(caller, {"id": task["id"]}, "SubscribeToTask") == -32004
    assert await code(caller, {"id": "nope"}, "SubscribeToTask") == -32001
    asking = await caller.send("How many moons?")
    assert await code(caller, said(taskId=asking["id"], contextId="another")) == -32602
    for length, rest in ((0, 0), (1, 1), (5, 1)):
        told = await caller.rpc("GetTask", {"id": task["id"], "historyLength": length})
        assert len(told["result"].get("history", [])) == rest
    assert await code(caller, {"id": task["id"], "historyLength": -1}, "GetTask") == -32602


async def broken_stream(*_: object, **__: object) -> AsyncGenerator[Event]:
    yield Event(event="started", data={"thread_id": "t", "run_id": "r"})
    raise RuntimeError(SECRET)


async def broken_call(*_: object, **__: object) -> None:
    raise RuntimeError(SECRET)


async def away(*_: object, **__: object) -> None:
    raise StoreUnavailable(SECRET)


async def test_a_run_that_breaks_fails_its_task_with_a_fixed_text(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    monkeypatch.setattr(Service, "stream", broken_stream)
    answer = await caller.http.post(SEND, json=said())
    task = answer.json()["task"]
    assert short(task["status"]["state"]) == "failed"
    text = task["status"]["message"]["parts"][0]["text"]
    assert text.startswith("Something failed on our side.")
    assert answer.headers["x-request-id"] in text
    streamed = await caller.http.post(STREAM, json=said())
    assert "TASK_STATE_FAILED" in streamed.text
    assert "hunter2" not in answer.text + streamed.text
    assert "RuntimeError" in lines.text


@pytest.mark.parametrize("breaks", [broken_call, away])
@pytest.mark.parametrize("name", ["find", "save", "list"])
async def test_a_store_that_breaks_shows_nothing(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, breaks: Any, name: str
) -> None:
    monkeypatch.setattr(RecordsInMemory, name, breaks)
    calls = {
        "find": ("GetTask", {"id": "x"}, ("GET", "/a2a/rest/tasks/x")),
        "save": ("SendMessage", said(), ("POST", SEND)),
        "list": ("ListTasks", {}, ("GET", "/a2a/rest/tasks")),
    }
    method, params, (verb, path) = calls[name]
    rpc = await caller.rpc(method, params)
    assert rpc["error"]["code"] == -32603
    rest = await caller.http.request(verb, path, json=params if verb == "POST" else None)
    assert rest.status_code == 500
    stream = await caller.http.post(STREAM if name == "save" else "/a2a/rest/tasks/x:subscribe", json=said())
    assert "hunter2" not in f"{rpc}{rest.text}{stream.text}"
    assert rest.headers["x-request-id"] in rest.text


async def test_a_quota_that_is_used_up_rejects_the_task_and_says_when_to_try_again(guarded: Guarded) -> None:
    settings = guarded.changed(quota_caller_day_messages=1)
    async with A2AServer.of(settings) as server, server.caller(ANA) as ana:
        await ana.send(QUESTION)
        refused = await ana.send(QUESTION)
        assert short(refused["status"]["state"]) == "rejected"
        metadata = refused["status"]["message"]["metadata"]
        assert metadata["problem"] == "urn:problem:limit-reached"
        assert int(metadata["retryAfterSeconds"]) > 0


async def test_what_is_refused_before_the_protocol_has_its_form_and_https_headers(guarded: Guarded) -> None:
    settings = guarded.changed(rate_caller_per_minute=1)
    async with A2AServer.of(settings) as server, server.caller() as nobody, server.caller(ANA) as ana:
        for path in ("/a2a", SEND):
            refused = await nobody.http.post(path, json=said())
            assert refused.headers["www-authenticate"] == "Bearer"
            assert "problem" not in refused.headers["content-type"]
            assert refused.json()["error"]["message"]
        await ana.send(QUESTION)
        limited = await ana.http.post("/a2a", json=said())
        assert (limited.status_code, int(limited.headers["retry-after"]) > 0) == (429, True)
        assert limited.json()["error"]["data"][0]["metadata"]["problem"] == "urn:problem:limit-reached"


def content(folder: Path) -> bytes:
    """Every file of the store, the write-ahead log too."""
    return b"".join(file.read_bytes() for file in folder.iterdir())


async def test_no_task_keeps_personal_data(tmp_path: Path, lines: Lines) -> None:
    settings = Settings(database_url=f"sqlite:///{tmp_path.as_posix()}/threads.sqlite")
    async with A2AServer.of(settings) as server, server.caller() as caller:
        parts = [{"text": QUESTION, "metadata": {"card": CARD}}, {"text": f"My card is {CARD}"}, {"data": {"x": CARD}}]
        sent = {"role": "ROLE_USER", "messageId": CARD, "parts": parts, "metadata": {"card": CARD}}
        await caller.rpc("SendMessage", {"message": sent, "metadata": {"card": CARD}})
        task = await caller.send(f"Cancel order 7 {CARD}")
        data = {"decision": "reject", "why": CARD, "number": 4111111111111111, "all": [{CARD: CARD}]}
        await caller.send(data=data, taskId=task["id"])
        everything = (await caller.http.get("/a2a/rest/tasks", params={"includeArtifacts": "true"})).text
    stored = content(tmp_path)
    assert b"[card]" in stored
    for value in (CARD, CARD.replace(" ", "")):
        assert value not in everything + lines.text
        assert value.encode() not in stored


async def test_a_deleted_thread_takes_its_tasks_with_it(tmp_path: Path) -> None:
    settings = Settings(database_url=f"sqlite:///{tmp_path.as_posix()}/threads.sqlite")
    word = "zebrafish"
    async with A2AServer.of(settings) as server, server.caller() as caller:
        kept = await caller.send(QUESTION)
        task = await caller.send(f"{QUESTION} And a {word}")
        assert word.encode() in content(tmp_path)
        assert (await caller.http.delete(f"/v1/threads/{task['contextId']}")).status_code == 204
        assert (await caller.task(task["id"]))["code"] == -32001
        assert [it["id"] for it in (await caller.rpc("ListTasks", {}))["result"]["tasks"]] == [kept["id"]]
    assert word.encode() not in content(tmp_path)


async def test_a_process_that_ends_in_order_fails_what_it_could_not_finish_and_keeps_the_rest(tmp_path: Path) -> None:
    SlowAgent.reset()
    settings = Settings(database_url=f"sqlite:///{tmp_path.as_posix()}/threads.sqlite", disable_llm=True)
    async with A2AServer.of(settings, SLOW) as server, server.caller() as caller:
        asking = await caller.send("How many moons?")
        task = await caller.send(QUESTION, now=True)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await SlowAgent.started.wait()
    assert SlowAgent.cancelled.is_set()
    async with A2AServer.of(settings) as server, server.caller() as caller:
        lost = await caller.task(task["id"])
        assert short(lost["status"]["state"]) == "failed"
        assert lost["status"]["message"]["metadata"]["problem"] == "urn:problem:shutting-down"
        done = await caller.send("Mars", taskId=asking["id"])
        assert short(done["status"]["state"]) == "completed"


async def test_a_callers_mistake_is_no_error_of_ours_and_no_body_is_in_the_log(lines: Lines) -> None:
    settings = Settings(database_url="memory://", log_level="DEBUG")
    async with A2AServer.of(settings) as server, server.caller() as caller:
        await caller.send(f"{QUESTION} zebrafish")
        await caller.rpc("CreateTaskPushNotificationConfig", {"taskId": "x", "url": "http://x"})
        await caller.rpc("SendMessage", {"message": "zebrafish"})
        await caller.http.post(STREAM, json=said("zebrafish"))
        await caller.http.post(SEND, json={"message": "zebrafish"})
    told = [it for it in lines.events if it["logger"].partition(".")[0] in ("a2a", "sse_starlette")]
    assert told == []
    assert not [it for it in lines.events if it["level"] == "error"]


@pytest.mark.parametrize(
    ("status", "text"),
    [
        ({"state": "TASK_STATE_FAILED"}, "TASK_STATE_FAILED"),
        ({"state": "TASK_STATE_FAILED", "message": {"parts": [{"text": "Lost."}]}}, "Lost."),
    ],
)
def test_a_task_that_failed_without_words_of_ours_is_an_answer_too(status: dict[str, Any], text: str) -> None:
    """As the tests' own client tells it."""
    told = {"result": {"task": {"id": "t", "status": status}}}
    client: Any = next(it for it in clients() if it.name == "a2a")
    answer = client("http://service")._of(httpx2.Response(200, json=told), told)
    assert (answer.text, answer.code) == (text, "internal-server-error")
