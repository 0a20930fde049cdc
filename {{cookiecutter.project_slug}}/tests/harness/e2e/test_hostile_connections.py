"""A real server process under callers who are slow, endless or many: it goes on and does not grow."""

import selectors
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import cycle, product
from pathlib import Path

import pytest

from tests.support.processes import PATIENCE_SECONDS, Process, processes

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="memory and files are read as Linux has them"),
    pytest.mark.checklist("ABU-2"),
]

IDLE = 1000
"""Connections that do nothing; above them the process needs some files of its own."""

GIGABYTE = 1024**3
MEGABYTE = 1024**2
HEAD = b"POST /v1/chat HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
DECLARED = HEAD + b"content-length: %d\r\n\r\n" % GIGABYTE
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"
CHUNKS = (b"10000\r\n" + b"x" * 0x10000 + b"\r\n") * 16
"""A megabyte, as chunks of 64 KiB; a declared length takes it as it is."""

PATHS = (b"/v1/chat", b"/v1/chat/stream", b"/v1/agents", b"/nowhere")
"""Two that read a body and two that answer without it."""


@pytest.fixture(scope="module", autouse=True)
def _enough_files() -> Iterator[None]:
    """Let this process and the one it starts open a thousand connections."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = before[1] if before[1] != resource.RLIM_INFINITY else IDLE * 4
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(IDLE * 4, most), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    settings = {"DATABASE_URL": "memory://", "LIMITS": "off", "BODY_TIMEOUT_SECONDS": "3"}
    with processes(1, settings, tmp_path_factory.mktemp("service")) as (one,):
        yield one


@contextmanager
def connections(service: Process, count: int) -> Iterator[Sequence[socket.socket]]:
    """So many open connections of one caller."""
    address = ("127.0.0.1", service.client.base_url.port or 0)
    with ExitStack() as stack:
        made = [socket.create_connection(address, PATIENCE_SECONDS) for _ in range(count)]
        for one in made:
            stack.callback(one.close)
        yield made


def ended(made: Sequence[socket.socket], drop: bytes) -> Iterator[bytes]:
    """What each of them heard before it was ended, while all drip."""
    last = time.monotonic() + PATIENCE_SECONDS
    with selectors.DefaultSelector() as selector:
        for one in made:
            selector.register(one, selectors.EVENT_READ, bytearray())
        while selector.get_map():
            assert time.monotonic() < last, f"{len(selector.get_map())} connections are still open"
            for key, _ in selector.select(0.2):
                part = b""
                with suppress(ConnectionError):
                    part = key.fileobj.recv(65536)  # type: ignore[union-attr] # a socket
                key.data.extend(part)
                if not part:
                    selector.unregister(key.fileobj)
                    yield bytes(key.data)
            for key in selector.get_map().values():
                with suppress(ConnectionError):
                    key.fileobj.send(drop)  # type: ignore[union-attr] # a socket


def serves(service: Process) -> None:
    """An ordinary caller is answered meanwhile."""
    reply = service.client.post("/v1/chat", json={"message": "How many moons has Mars?"})
    assert reply.json()["answer"] == "mars has 2 moons."


def test_slow_headers_and_slow_bodies_hold_nobody_up(service: Process) -> None:
    with connections(service, 60) as made:
        for number, one in enumerate(made):
            one.sendall((HEAD, DECLARED.replace(b"1073741824", b"900"), CHUNKED)[number % 3])
        serves(service)
        said = sorted(it[:13] for it in ended(made, b"1\r\nx\r\n"))
    # A drop is no header line: those connections hear 400. Otherwise: too late.
    assert set(said) <= {b"HTTP/1.1 400 ", b"HTTP/1.1 408 "}
    assert said.count(b"HTTP/1.1 408 ") == 40
    serves(service)


def test_a_thousand_idle_connections_hold_nobody_up(service: Process) -> None:
    """That they end is the work of the proxy in front."""
    with connections(service, IDLE):
        serves(service)
    serves(service)


def test_a_gigabyte_of_bodies_takes_no_memory(service: Process) -> None:
    """Each refusal ends the connection, so the caller comes again until it has sent it all."""
    serves(service)
    before = resident(service)
    sent = 0
    last = time.monotonic() + PATIENCE_SECONDS
    for head, path in cycle(product((DECLARED, CHUNKED), PATHS)):
        with connections(service, 1) as (one,), suppress(ConnectionError):
            one.sendall(head.replace(b"/v1/chat", path))
            while sent < GIGABYTE:
                sent += one.send(CHUNKS)
        if sent >= GIGABYTE:
            break
        assert time.monotonic() < last, f"sent {sent} bytes"
    assert resident(service) - before < 20 * MEGABYTE
    serves(service)


def resident(service: Process) -> int:
    """The most memory that the process has had, bytes."""
    text = Path(f"/proc/{service.process.pid}/status").read_text()
    kilobytes = next(line.split()[1] for line in text.splitlines() if line.startswith("VmHWM"))
    return int(kilobytes) * 1024
