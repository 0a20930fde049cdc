"""Callers who are slow, endless or many, on real sockets: their connections end, the others go on."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from harness.http.bounds import Bounds
from harness.settings import Settings
from harness.telemetry.metrics import REGISTRY
from tests.conftest import Door
from tests.support.peers.raw_caller import PATIENCE_SECONDS, serving

BOUNDS = Bounds(
    header_seconds=0.4,
    body_seconds=0.4,
    header_bytes=4096,
    body_bytes=1024,
    connections=0,
)
PATIENT = replace(BOUNDS, header_seconds=PATIENCE_SECONDS, body_seconds=PATIENCE_SECONDS)
GET = b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n"
POST = b"POST /v1/chat HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
NOWHERE = POST.replace(b"/v1/chat", b"/nowhere")
CHUNKED = b"transfer-encoding: chunked\r\n\r\n"


@pytest.fixture
async def connect(door: Door) -> AsyncIterator[Any]:
    """Opens connections to the service with short times."""
    await door.open(Settings(database_url="memory://", body_max_bytes=1024))
    async with serving(door.app, BOUNDS) as connect:
        yield connect


@pytest.fixture
async def patient(door: Door) -> AsyncIterator[Any]:
    """The same with time enough: what ends there is too large."""
    await door.open(Settings(database_url="memory://", body_max_bytes=1024, header_max_bytes=4096))
    async with serving(door.app, PATIENT) as connect:
        yield connect


def ended(reason: str) -> float:
    """How many connections were ended for this reason."""
    name = {"reason": reason}
    return REGISTRY.get_sample_value("connections_ended_total", name) or 0


@pytest.mark.checklist("ABU-2")
@pytest.mark.parametrize(
    ("begin", "drop", "reason"),
    [
        (b"GET /healthz HTTP/1.1\r\nhost: a\r\n", b"x: y\r\n", "slow_headers"),
        (b"GET /", b"a", "slow_headers"),
        (b"", b"\r\n", "slow_headers"),
        (b"", b"", "slow_headers"),
        (GET, b"\r\n", "slow_headers"),
        (GET + b"GET /", b"a", "slow_headers"),
        (NOWHERE + b"content-length: 900\r\n\r\n", b"x", "slow_body"),
        (NOWHERE + CHUNKED, b"1\r\nx\r\n", "slow_body"),
    ],
)
async def test_what_never_becomes_a_request_is_ended_however_it_drips(
    connect: Any, begin: bytes, drop: bytes, reason: str
) -> None:
    before = ended(reason)
    connection = await connect()
    connection.send(begin)
    if begin.startswith(GET):
        await connection.answer()
    await connection.drip(drop)
    assert ended(reason) == before + 1
    other = await connect()
    other.send(GET)
    assert (await other.answer())[0] == b"200"


@pytest.mark.checklist("ABU-2")
@pytest.mark.parametrize("framing", [b"content-length: 900\r\n\r\n", CHUNKED])
async def test_a_slow_body_that_a_route_waits_for_is_answered_with_408(
    door: Door, framing: bytes
) -> None:
    await door.open(Settings(database_url="memory://", body_timeout_seconds=0.3))
    async with serving(door.app, BOUNDS) as connect:
        connection = await connect()
        connection.send(POST + framing)
        said = await connection.drip(b"1\r\nx\r\n" if framing == CHUNKED else b"x")
    assert said.startswith(b"HTTP/1.1 408 ")
    assert b"application/problem+json" in said
    assert b"connection: close" in said.lower()


@pytest.mark.checklist("ABU-2")
@pytest.mark.parametrize(
    ("begin", "drop", "status", "reason"),
    [
        (GET[:-2], b"x: " + b"y" * 500 + b"\r\n", b"431", "large_headers"),
        (b"GET /", b"y" * 500, b"431", "large_headers"),
        (GET[:-2] + b"x: ", b"y" * 500, b"431", "large_headers"),
        (NOWHERE + CHUNKED, b"1f4\r\n" + b"y" * 500 + b"\r\n", b"404", "large_body"),
        (NOWHERE + b"content-length: 999999\r\n\r\n", b"y" * 500, b"404", "large_body"),
        (NOWHERE + CHUNKED + b"1;", b"y" * 500, b"404", "large_body"),
        (NOWHERE + CHUNKED + b"0\r\n", b"x: " + b"y" * 500 + b"\r\n", b"404", "large_body"),
    ],
)
async def test_what_has_no_end_is_ended_at_its_limit(
    patient: Any, begin: bytes, drop: bytes, status: bytes, reason: str
) -> None:
    before = ended(reason)
    connection = await patient()
    connection.send(begin)
    said = await connection.drip(drop)
    assert said.startswith(b"HTTP/1.1 " + status)
    assert b"application/problem+json" in said
    assert ended(reason) == before + 1


@pytest.mark.parametrize(("size", "status"), [(3000, b"200"), (5000, b"431")])
async def test_headers_that_are_whole_but_too_large_get_a_problem_document(
    patient: Any, size: int, status: bytes
) -> None:
    connection = await patient()
    connection.send(GET[:-2] + b"x: " + b"y" * size + b"\r\n\r\n")
    found, body = await connection.answer()
    assert found == status
    assert (b'"status":431' in body) == (status == b"431")


async def test_a_body_of_single_bytes_is_as_good_as_another(patient: Any) -> None:
    connection = await patient()
    body = b'{"message": "Moons of Mars"' + b"}".rjust(1024 - 27)
    connection.send(POST + CHUNKED)
    for byte in body:
        connection.send(b"1\r\n" + bytes([byte]) + b"\r\n")
    connection.send(b"0\r\nx-trailer: is nobody's\r\n\r\n" + GET)
    assert (await connection.answer())[0] == b"200"
    assert (await connection.answer())[0] == b"200"


async def test_requests_that_wait_for_the_one_before_are_not_ended() -> None:
    """Pipelined: uvicorn reads on only when the first is answered, here after the time for headers."""

    bounds = replace(BOUNDS, header_seconds=2)  # what is left then is for a slow machine

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/slow":
            await asyncio.sleep(bounds.header_seconds * 1.1)
        headers = [(b"content-length", b"1")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": scope["path"][1:2].encode()})

    async with serving(slow, bounds) as connect:
        connection = await connect()
        connection.send(GET.replace(b"healthz", b"slow") + GET + GET[:20])
        assert (await connection.answer())[1] == b"s"
        connection.send(GET[20:])
        assert [(await connection.answer())[1] for _ in range(2)] == [b"h", b"h"]
        before = ended("slow_headers")
        connection.send(b"GET /")
        await connection.drip(b"a")
        assert ended("slow_headers") == before + 1


async def test_an_offer_to_upgrade_is_not_taken(patient: Any) -> None:
    connection = await patient()
    connection.send(GET[:-2] + b"connection: upgrade\r\nupgrade: websocket\r\n\r\n")
    assert (await connection.answer())[0] == b"200"


@pytest.mark.checklist("ABU-2")
@pytest.mark.parametrize(("most", "is_let_in"), [(1, False), (2, True), (0, True)])
async def test_one_address_has_so_many_connections(door: Door, most: int, is_let_in: bool) -> None:
    await door.open()
    bounds = replace(PATIENT, connections=most)
    async with serving(door.app, bounds) as connect:
        first, second = await connect(), await connect()
        for connection in (first, second)[: 1 + is_let_in]:
            connection.send(GET)
            assert (await connection.answer())[0] == b"200"
        if not is_let_in:
            assert await second.drip(b"") == b""
            first.close()
            async with asyncio.timeout(PATIENCE_SECONDS):
                while bounds.open:  # noqa: ASYNC110 - it tells nobody
                    await asyncio.sleep(0.01)
            third = await connect()
            third.send(GET)
            assert (await third.answer())[0] == b"200"
