"""Answers in HTTP/1.0, and the sockets of `::`."""

import socket
from collections.abc import AsyncIterator, Sequence

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from harness.cli.serve import Serve
from harness.http.wire import Listener
from tests.conftest import Door
from tests.support.peers.raw_caller import serving

PIECES = ("first ", "second ", "third")


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    answers = {
        "/whole": PlainTextResponse("".join(PIECES)),
        "/pieces": StreamingResponse(pieces()),
        "/empty": Response(status_code=204),
    }
    await answers[Request(scope).url.path](scope, receive, send)


async def pieces() -> AsyncIterator[str]:
    for piece in PIECES:
        yield piece


@pytest.mark.parametrize("path", ["/whole", "/pieces"])
@pytest.mark.parametrize("fields", [b"", b"connection: keep-alive\r\n"], ids=["closes", "keeps"])
async def test_a_caller_of_1_0_reads_until_the_connection_ends(path: str, fields: bytes) -> None:
    async with serving(app) as connect:
        connection = await connect()
        connection.send(f"GET {path} HTTP/1.0\r\n".encode() + fields + b"\r\n")
        answer = await connection.whole_answer()
    assert answer.status == 200
    assert answer.body.decode() == "".join(PIECES)
    assert "transfer-encoding" not in answer.headers
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize(("method", "path", "status"), [("HEAD", "/pieces", 200), ("GET", "/empty", 204)])
async def test_what_has_no_body_has_none_in_1_0_either(method: str, path: str, status: int) -> None:
    async with serving(app) as connect:
        connection = await connect()
        connection.send(f"{method} {path} HTTP/1.0\r\n\r\n".encode())
        answer = await connection.whole_answer()
    assert (answer.status, answer.body) == (status, b"")


async def test_a_caller_of_1_1_gets_chunks() -> None:
    async with serving(app) as connect:
        connection = await connect()
        connection.send(b"GET /pieces HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        answer = await connection.whole_answer()
    assert answer.headers["transfer-encoding"] == "chunked"


async def test_a_stream_of_answers_is_read_by_a_caller_of_1_0(door: Door) -> None:
    await door.open()
    body = b'{"message": "How many moons has Mars?"}'
    head = b"POST /v1/chat/stream HTTP/1.0\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
    async with serving(door.app) as connect:
        connection = await connect()
        connection.send(head + body)
        answer = await connection.whole_answer()
    assert answer.body.lstrip().startswith((b"event:", b"id:", b":"))
    assert answer.body.rstrip(b"\n").splitlines()[-1].startswith(b"data: ")


def addresses() -> Sequence[tuple[socket.AddressFamily, str]]:
    return (socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has one kind of address")
@pytest.mark.parametrize("host", ["::", "[::]", "0:0:0:0:0:0:0:0"])
def test_both_kinds_of_address_reach_the_unspecified_one(host: str) -> None:
    listener = Listener.dual_stack(host, 0)
    assert listener is not None
    with listener:
        for family, address in addresses():
            with socket.socket(family) as caller:
                caller.connect((address, listener.getsockname()[1]))


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1", "localhost"])  # not listened on
def test_any_other_address_is_left_to_the_server(host: str) -> None:
    assert Listener.dual_stack(host, 0) is None


def test_the_server_listens_and_answers_as_the_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEP_ALIVE_SECONDS", "620")
    assert Serve()._options()["timeout_keep_alive"] == 620
    monkeypatch.delenv("KEEP_ALIVE_SECONDS")
    assert Serve()._options()["timeout_keep_alive"] > 60  # of nginx and AWS
    assert Serve()._sockets() == []
    for listener in Serve(host="::", port=free_port())._sockets():
        listener.close()


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
