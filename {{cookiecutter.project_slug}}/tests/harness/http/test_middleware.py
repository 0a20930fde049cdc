import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import structlog
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.types import Message

from harness.settings import Settings
from tests.conftest import Door, Lines

LIMIT = 1024
JSON = {"content-type": "application/json"}
SMALL = Settings(database_url="memory://", body_max_bytes=LIMIT)


async def test_a_well_formed_request_id_is_taken_over(client: httpx2.AsyncClient, lines: Lines) -> None:
    answer = await client.get("/healthz", headers={"X-Request-ID": "gateway-4711.a"})
    assert answer.headers["x-request-id"] == "gateway-4711.a"
    assert [line["request_id"] for line in lines.named("request")] == ["gateway-4711.a"]


@pytest.mark.parametrize("given", ["", "a" * 65, "a b", 'x"}{"level": "none', "é", "a\tb"])
async def test_an_ill_formed_request_id_is_replaced(client: httpx2.AsyncClient, given: str) -> None:
    answer = await client.get("/healthz", headers=[(b"X-Request-ID", given.encode())])
    assert re.fullmatch(r"[a-f0-9]{32}", answer.headers["x-request-id"])


async def test_the_access_line_names_the_route_and_not_the_path(client: httpx2.AsyncClient, lines: Lines) -> None:
    await client.get("/version?token=hunter2")
    await client.get("/made/up/planted-path")
    known, unknown = lines.named("request")
    assert (known["method"], known["route"], known["status"]) == ("GET", "/version", 200)
    assert known["ms"] >= 0
    assert (unknown["route"], unknown["status"]) == (None, 404)
    assert "hunter2" not in lines.text
    assert "planted-path" not in lines.text


async def test_requests_side_by_side_keep_their_own_fields(client: httpx2.AsyncClient, lines: Lines) -> None:
    async def ask(number: int) -> None:
        body = {"message": "Moons of Mars", "thread_id": f"thread-{number}"}
        await client.post("/v1/chat", json=body, headers={"X-Request-ID": f"id-{number}"})

    await asyncio.gather(*(ask(number) for number in range(5)))
    pairs = {(e["request_id"], e["thread_id"]) for e in lines.events if "thread_id" in e}
    assert pairs == {(f"id-{number}", f"thread-{number}") for number in range(5)}


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize(("size", "status"), [(LIMIT - 1, 200), (LIMIT, 200), (LIMIT + 1, 413)])
async def test_a_body_over_the_limit_is_refused_declared_or_not(
    door: Door, size: int, status: int, declared: bool
) -> None:
    client = await door.open(SMALL)
    body = b'{"message": "Moons of Mars"' + b"}".rjust(size - 27)

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, size, 100):
            yield body[start : start + 100]

    content = body if declared else pieces()
    headers = {"content-type": "application/json"}
    answer = await client.post("/v1/chat", content=content, headers=headers)
    assert answer.status_code == status
    if status == 413:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("length", [b"999999", b"9" * 5000, b"00" + b"1" * 5, b"-1", b"nonsense"])
async def test_an_endless_body_is_not_read_beyond_the_limit(door: Door, length: bytes) -> None:
    await door.open(SMALL)
    read = 0
    sent: list[Message] = []

    async def receive() -> Message:
        nonlocal read
        read += 100
        return {"type": "http.request", "body": b" " * 100, "more_body": True}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"host", b"a"), (b"content-type", b"application/json"), (b"content-length", length)]
    scope = {"type": "http", "method": "POST", "path": "/v1/chat", "headers": headers}
    await door.app({**scope, "http_version": "1.1", "query_string": b""}, receive, send)
    assert sent[0]["status"] == 413
    assert read <= LIMIT + 100


@pytest.mark.parametrize("dripping", [True, False])
async def test_a_body_that_is_not_there_in_time_is_refused(door: Door, dripping: bool) -> None:
    client = await door.open(Settings(database_url="memory://", body_timeout_seconds=0.2))

    async def pieces() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.01 if dripping else 60)

    async with asyncio.timeout(30):
        answer = await client.post("/v1/chat", content=pieces(), headers=JSON)
    assert answer.status_code == 408
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize(("size", "status"), [(900, 200), (1100, 431)])
async def test_headers_over_the_limit_are_refused(door: Door, size: int, status: int) -> None:
    client = await door.open(Settings(database_url="memory://", header_max_bytes=1024))
    bare = {"host": "a", "accept": "", "accept-encoding": "", "connection": "", "user-agent": ""}
    answer = await client.get("/healthz", headers={**bare, "x": "y" * size})
    assert answer.status_code == status
    again = await client.get("/healthz?" + "y" * size, headers=bare)
    assert again.status_code == status
    if status == 431:
        for refused in (answer, again):
            assert refused.json()["instance"] == refused.headers["x-request-id"]
            assert refused.headers["connection"] == "close"
            assert "yyy" not in refused.text


async def test_a_refused_body_keeps_its_status_whatever_a_framework_below_makes_of_it(door: Door, lines: Lines) -> None:
    """Such as a task group, and a route that is named by a text."""

    async def other(scope: Any, receive: Any, send: Any) -> None:
        scope["route"] = "/threads/{thread_id}"
        try:
            await receive()
        except HTTPException as refusal:
            raise ExceptionGroup("of a group", [refusal]) from None

    client = await door.open(SMALL)
    door.app.mount("/other", other)
    answer = await client.post("/other/x", content=b"y" * (LIMIT + 1), headers=JSON)
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
    (line,) = lines.named("request")
    assert (line["route"], line["status"]) == ("/other/threads/{thread_id}", 413)


async def test_a_failure_after_the_start_of_the_answer_cuts_the_connection(
    app: FastAPI, client: httpx2.AsyncClient, lines: Lines
) -> None:
    async def broken(scope: object, receive: object, send: object) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]  # ASGI
        raise RuntimeError("half way")

    app.mount("/broken", broken)
    with pytest.raises(RuntimeError, match="half way"):
        await client.get("/broken/x")
    assert len(lines.named("request_failed")) == 1


async def test_what_one_request_bound_to_the_log_is_on_no_line_of_the_next(
    client: httpx2.AsyncClient, lines: Lines
) -> None:
    structlog.contextvars.bind_contextvars(left_by="another request")  # in this context, as a connection keeps its own
    try:
        await client.get("/version")
    finally:
        structlog.contextvars.clear_contextvars()
    [line] = lines.named("request")
    assert "left_by" not in line
