"""A chat-completions server on loopback that says what a test scripts: real sockets, no network.

    with OpenAIServer(script) as server:
        settings = Settings(llm_model="openai:any", llm_base_url=server.url, llm_api_key="any")

A script is a function of the request, or a sequence of replies given one after the other.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import ClassVar, Self

import orjson

from tests.support.peers.openai_replies import Failure, Reply, Request, Wire

Script = Callable[[Request], Reply]


class OpenAIServer(AbstractContextManager["OpenAIServer"]):
    """Serves in a thread of its own, and keeps every request.

    A script that raises, or that has no more replies, fails the test when the server ends.
    """

    HOST: ClassVar = "127.0.0.1"

    def __init__(self, script: Script | Sequence[Reply]) -> None:
        self._script = script if callable(script) else self._in_turn(script)
        self.requests: list[Request] = []
        self.failures: list[Exception] = []
        self._port = 0
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    @property
    def address(self) -> str:
        """The root of the server."""
        return f"http://{self.HOST}:{self._port}"

    @property
    def url(self) -> str:
        """What LLM_BASE_URL wants."""
        return f"{self.address}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10), "the scripted server did not start"
        return self

    def __exit__(self, *raised: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        if self.failures and raised[0] is None:
            raise self.failures[0]

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._answer, self.HOST, 0)
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await self._read(reader)
            self.requests.append(request)
            await self._reply(request).send(request, Wire(reader, writer))
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the caller has left, or the server ends: their right
        finally:
            writer.close()

    @staticmethod
    async def _read(reader: asyncio.StreamReader) -> Request:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip().split("\r\n")
        pairs = (line.split(":", 1) for line in lines)
        headers = {name.lower(): value.strip() for name, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        return Request(first.split(" ")[1], headers, orjson.loads(body or b"{}"))

    def _reply(self, request: Request) -> Reply:
        try:
            return self._script(request)
        except Exception as failure:  # noqa: BLE001 - raised where the test can see it
            self.failures.append(failure)
            return Failure(400, "the script failed")

    @staticmethod
    def _in_turn(replies: Sequence[Reply]) -> Script:
        left = list(replies)
        return lambda request: left.pop(0)
