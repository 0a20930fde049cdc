"""A peer between a client and its server: it hands on what it gets, the answers late."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class SlowProxy:
    """Hands each answer on after `seconds`, which may change meanwhile, as `target` may."""

    def __init__(self, host: str, port: int, seconds: float) -> None:
        self.target = host, port
        self.seconds = seconds
        self.port = 0
        self._open: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["SlowProxy"]:
        """Taking connections on loopback, at `port`."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in self._open:
                task.cancel()
            await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*self.target)
        ways = (self._hand_on(reader, back, late=False), self._hand_on(there, writer, late=True))
        for way in map(asyncio.create_task, ways):
            self._open.add(way)
            way.add_done_callback(self._open.discard)

    async def _hand_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, late: bool) -> None:
        try:
            with suppress(OSError):
                while piece := await reader.read(65_536):
                    if late:
                        await asyncio.sleep(self.seconds)
                    writer.write(piece)
                    await writer.drain()
        finally:
            writer.close()
