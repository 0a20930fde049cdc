"""A caller who writes HTTP by hand, and the server that hears it: what no HTTP client would send."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Self

import uvicorn
from starlette.types import ASGIApp

from harness.http.wire import Protocol

PATIENCE_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said."""

    status: int
    headers: Mapping[str, str]
    text: bytes
    """Everything, head and body."""
    body: bytes

    @classmethod
    def of(cls, text: bytes) -> Self:
        """The one answer that `text` holds."""
        head, _, body = text.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        return cls(int(first.split()[1]), headers, text, body)


class Server(uvicorn.Server):
    """One without signals, so that it runs beside the test."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Connection:
    """One caller's connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def send(self, data: bytes) -> None:
        self._writer.write(data)

    async def answer(self) -> tuple[bytes, bytes]:
        """Status and body of the next answer."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            head = await self._reader.readuntil(b"\r\n\r\n")
            fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:-2])
            body = await self._reader.readexactly(int(fields[b"content-length"]))
        return head.split(b" ", 2)[1], body

    async def whole_answer(self) -> "Answer":
        """The answer after which the connection ends."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return Answer.of(await self._reader.read())

    async def drip(self, drop: bytes) -> bytes:
        """Send drop by drop, until the other side ends it; what it said."""
        said = b""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                try:
                    self.send(drop)
                    async with asyncio.timeout(0.02):
                        if not (part := await self._reader.read(1024)):
                            return said
                        said += part
                except TimeoutError:
                    pass
                except ConnectionError:
                    return said

    def close(self) -> None:
        self._writer.close()


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[Any]:
    """Opens connections to `app` behind uvicorn, as `serve` runs it."""
    config = uvicorn.Config(app, http=Protocol, ws="none", port=0, lifespan="off", log_config=None, access_log=False)
    server = Server(config)
    task = asyncio.create_task(server.serve())
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not server.started:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        async with AsyncExitStack() as stack:

            async def connect() -> Connection:
                connection = Connection(*await asyncio.open_connection("127.0.0.1", port))
                stack.callback(connection.close)
                return connection

            yield connect
    finally:
        server.should_exit = server.force_exit = True
        await task
