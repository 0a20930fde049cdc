"""G9: whatever is sent, to whichever route, the answer is a refusal in our form, without what was sent.

On real sockets, byte by byte as it is written here: HTTP clients would not send half of it.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from harness.auth.api_key import NewKey
from harness.auth.principal import Scope
from harness.settings import Settings
from tests.conftest import Door, Lines
from tests.support.malformed import BODIES, HEADERS, LINES, PLANTED, THREADS
from tests.support.peers.raw_caller import Answer, serving

pytestmark = pytest.mark.checklist("ABU-2")

KEY = NewKey.make("caller", list(Scope), None)
JSON = b"Content-Type: application/json"
ENDS = b"Connection: close"
GOOD = b'{"message": "How many moons has Mars?"}'

BODY_ROUTES = (b"/v1/chat", b"/v1/chat/stream")
ROUTES = {
    **dict.fromkeys(BODY_ROUTES, b"POST"),
    b"/v1/agents": b"GET",
    b"/v1/threads/t1": b"DELETE",
    b"/v1/threads/none": b"GET",
    b"/healthz": b"GET",
    b"/readyz": b"GET",
    b"/version": b"GET",
    b"/metrics": b"GET",
    b"/openapi.json": b"GET",
    b"/docs": b"GET",
}


class Caller:
    """Sends requests by hand, with a valid key unless told otherwise."""

    def __init__(self, connect: Any, key: bytes) -> None:
        self._connect = connect
        self._key = key

    async def send(self, request: bytes) -> Answer:
        """The answer to these bytes."""
        connection = await self._connect()
        connection.send(request)
        answer: Answer = await connection.whole_answer()
        return answer

    async def ask(self, method: bytes, path: bytes, *headers: bytes, body: bytes | None = None) -> Answer:
        """The answer to an ordinary request with these parts."""
        line = b"%s %s HTTP/1.1" % (method, path)
        length = [] if body is None else [b"Content-Length: %d" % len(body)]
        head = b"\r\n".join([line, b"Host: a", self._key, ENDS, *length, *headers])
        return await self.send(head + b"\r\n\r\n" + (body or b""))


@pytest.fixture(params=["keys", "off"])
async def caller(request: pytest.FixtureRequest, door: Door, tmp_path: Path) -> AsyncIterator[Caller]:
    file = tmp_path / "keys"
    file.write_text(f"{KEY.record.line}\n")
    settings = Settings(
        database_url="memory://",
        authentication=request.param,
        api_keys_file=file,
        rate_address_per_minute=0,
        rate_caller_per_minute=0,
        trusted_proxies="127.0.0.1",
    )
    await door.open(settings)
    key = f"X-API-Key: {KEY.text}" if request.param == "keys" else "x-nothing: at all"
    async with serving(door.app) as connect:
        yield Caller(connect, key.encode())


def check(answer: Answer) -> None:
    """An answer that was given on purpose, and a refusal in our one form."""
    assert answer.status < 500, answer.text
    assert PLANTED not in answer.text
    if answer.status >= 400 and "x-request-id" in answer.headers:  # else no request: the server's own
        assert answer.headers["content-type"] == "application/problem+json"
        problem = orjson.loads(answer.body)
        assert problem["status"] == answer.status
        assert problem["instance"] == answer.headers["x-request-id"]
    elif answer.status >= 400:
        assert (answer.status, answer.body) == (400, b"Invalid HTTP request received.")


async def test_a_body_that_is_no_message_is_refused(caller: Caller, lines: Lines) -> None:
    for path in BODY_ROUTES:
        found = {}
        for name, body in BODIES.items():
            answer = await caller.ask(b"POST", path, JSON, body=body)
            check(answer)
            found[name] = answer.status
        assert found == dict.fromkeys(BODIES, 422)
    assert PLANTED.decode() not in lines.text
    assert not lines.named("request_failed")


@pytest.mark.parametrize(
    "header",
    [
        b"x: no type at all",
        b"Content-Type: text/plain",
        b"Content-Type: ;",
        b"Content-Type: application/json-" + PLANTED,
        b"Content-Type: application/x-www-form-urlencoded",
        b"Content-Type: multipart/form-data; boundary=" + PLANTED,
        b"Content-Type: \xff" + PLANTED,
    ],
)
async def test_a_body_of_another_type_is_refused(caller: Caller, header: bytes) -> None:
    for path in BODY_ROUTES:
        answer = await caller.ask(b"POST", path, header, body=GOOD)
        check(answer)
        assert answer.status == 422


@pytest.mark.parametrize("digits", [b"65537", b"150000000", b"9" * 30, b"9" * 5000], ids=len)
async def test_a_body_that_is_declared_too_large_is_refused_at_once(caller: Caller, digits: bytes) -> None:
    for path in BODY_ROUTES:
        answer = await caller.ask(b"POST", path, JSON, b"Content-Length: " + digits)
        check(answer)
        assert answer.status == (400 if len(digits) > 20 else 413)


async def test_a_chunked_body_is_refused_at_its_limit_and_a_broken_one_at_once(caller: Caller) -> None:
    chunked = b"Transfer-Encoding: chunked"
    for path in BODY_ROUTES:
        for chunks, status in (
            (b"%x\r\n%s\r\n" % (len(GOOD), GOOD) + b"0\r\n\r\n", 200),
            (b"10001\r\n" + b" " * 0x10001 + b"\r\n0\r\n\r\n", 413),
            (b"-5\r\n" + PLANTED, 400),
            (b"f" * 17 + b"\r\n" + PLANTED, 400),
            (PLANTED, 400),
        ):
            head = b"POST %s HTTP/1.1\r\nHost: a\r\n" % path
            fields = b"\r\n".join([caller._key, ENDS, JSON, chunked])
            answer = await caller.send(head + fields + b"\r\n\r\n" + chunks)
            check(answer)
            assert answer.status == status, chunks


@pytest.mark.parametrize("method", [b"GET", b"DELETE"])
async def test_a_thread_that_cannot_be_is_refused_or_unknown(caller: Caller, lines: Lines, method: bytes) -> None:
    for thread in THREADS.values():
        answer = await caller.ask(method, b"/v1/threads/" + thread)
        check(answer)
        assert answer.status in (400, 404, 422, 431), thread
    assert PLANTED.decode() not in lines.text


@pytest.mark.parametrize("path", ROUTES)
async def test_a_header_that_is_odd_is_refused_or_ignored(caller: Caller, lines: Lines, path: bytes) -> None:
    method = ROUTES[path]
    is_post = method == b"POST"
    for name, header in HEADERS.items():
        sends_body = is_post and not header.startswith((b"Content-Length", b"Transfer"))
        headers = [JSON, header] if is_post else [header]
        answer = await caller.ask(method, path, *headers, body=GOOD if sends_body else None)
        check(answer)
        assert answer.status in (200, 204, 400, 401, 404, 413, 422, 431), name
    assert PLANTED.decode() not in lines.text


@pytest.mark.parametrize("name", LINES)
async def test_a_request_line_that_is_odd_is_refused(caller: Caller, name: str) -> None:
    answer = await caller.send(LINES[name] + b"\r\nHost: a\r\n" + ENDS + b"\r\n\r\n")
    check(answer)
    assert 400 <= answer.status < 500


TWO_WAYS: dict[str, bytes] = {
    "no host": b"GET /version HTTP/1.1\r\nx: y",
    "an empty host": b"GET /version HTTP/1.1\r\nHost:",
    "two hosts": b"GET /version HTTP/1.1\r\nHost: a\r\nHost: b",
    "two hosts in HTTP/1.0": b"GET /version HTTP/1.0\r\nHost: a\r\nHost: b",
    "two hosts in one": b"GET /version HTTP/1.1\r\nHost: a,b",
    "a host with a path": b"GET /version HTTP/1.1\r\nHost: a/b",
    "a host with a user": b"GET /version HTTP/1.1\r\nHost: a@b",
    "a port that is none": b"GET /version HTTP/1.1\r\nHost: a:b",
    "HTTP/0.9": b"GET /version",
    "HTTP/0.9, and a host": b"GET /version\r\nHost: a",
    "HTTP/0.9 by name": b"GET /version HTTP/0.9\r\nHost: a",
    "HTTP/2.0 by name": b"GET /version HTTP/2.0\r\nHost: a",
    "two types": b"POST /v1/chat HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n" + JSON,
    "two keys": b"GET /version HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b",
    "chunks in HTTP/1.0": b"POST /v1/chat HTTP/1.0\r\nTransfer-Encoding: chunked",
    "another coding before the chunks": b"POST /v1/chat HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked",
}


@pytest.mark.parametrize("name", TWO_WAYS)
async def test_what_two_readers_could_understand_differently_is_refused(caller: Caller, name: str) -> None:
    answer = await caller.send(TWO_WAYS[name] + b"\r\n" + ENDS + b"\r\n\r\n")
    check(answer)
    assert answer.status == 400


@pytest.mark.parametrize("head", [b"HTTP/1.0", b"HTTP/1.1\r\nHost: [::1]:8000", b"HTTP/1.1\r\nHost: my_host.test:80"])
async def test_one_host_or_none_in_the_old_version_is_heard(caller: Caller, head: bytes) -> None:
    answer = await caller.send(b"GET /version " + head + b"\r\n" + ENDS + b"\r\n\r\n")
    assert answer.status == 200


@pytest.mark.parametrize("path", [b"/version/", b"/v1/agents/", b"/v1/chat/", b"/docs/"])
async def test_a_slash_too_many_leads_nowhere(caller: Caller, path: bytes) -> None:
    answer = await caller.ask(b"GET", path)
    check(answer)
    assert answer.status == 404
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([JSON + b"; charset=utf-8"], 200),
        ([JSON + b';charset="UTF-8"'], 200),
        ([JSON + b"; profile=x"], 200),
        ([JSON, b"Content-Encoding: identity"], 200),
        ([JSON + b"; charset=iso-8859-1"], 415),
        ([JSON + b"; Charset = utf-16"], 415),
        ([JSON + b"; charset=utf-8; charset=cp1252"], 415),
        ([JSON + b"; charset="], 415),
        ([JSON, b"Content-Encoding: gzip"], 415),
    ],
)
async def test_a_body_in_another_charset_or_compressed_is_refused(
    caller: Caller, headers: list[bytes], status: int
) -> None:
    for path in BODY_ROUTES:
        answer = await caller.ask(b"POST", path, *headers, body=GOOD)
        check(answer)
        assert answer.status == status


@pytest.mark.parametrize(
    ("headers", "body", "words"),
    [
        ([], GOOD, "Content-Type: send the header `Content-Type: application/json`"),
        ([JSON], b'{"message": "x", "messsage_text": 1}', "messsage_text"),
        ([JSON], b'{"message": "x", "messsage_text": 1}', "This field is not known here"),
        ([JSON], b'{"message": "x", "' + PLANTED + b'": 1}', "This field is not known here"),
        ([JSON], b'{"message": " "}', "It must not be blank"),
        ([JSON], b'{"message": "x", "thread_id": "a b"}', "It must be 1 to 64 letters"),
        ([JSON], b"{}", "Field required"),
    ],
)
async def test_a_refusal_names_header_or_field_and_says_the_rule_in_words(
    caller: Caller, headers: list[bytes], body: bytes, words: str
) -> None:
    answer = await caller.ask(b"POST", b"/v1/chat", *headers, body=body)
    check(answer)
    assert answer.status == 422
    assert words in answer.body.decode()
    assert "[^" not in answer.body.decode()
