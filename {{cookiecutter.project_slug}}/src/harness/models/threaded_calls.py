"""Calls of AWS's client, which blocks: in threads of their own, over the connections of the event loop."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import ContextVar, copy_context
from functools import partial
from typing import Any, Final, TypeVar

import httpx2
from botocore.awsrequest import AWSPreparedRequest, AWSResponse

T = TypeVar("T")

CURRENT: Final[ContextVar["ThreadedCall | None"]] = ContextVar("threaded_call", default=None)
"""The call that a thread works for."""


class ThreadedCalls:
    """Threads in which botocore makes and signs requests and waits, while the event loop sends them.

    So a call that is given up ends at once, in its thread too, whatever its peer does; its answer is bounded as those
    of other providers are; and no other blocking work waits for a model.
    """

    def __init__(self, client: httpx2.AsyncClient, max_threads: int) -> None:
        """Send over `client`, up to `max_threads` calls at once."""
        self._client = client
        self._threads = ThreadPoolExecutor(max_threads, thread_name_prefix="bedrock")

    @asynccontextmanager
    async def open(self) -> AsyncIterator["ThreadedCall"]:
        """One call, over when left."""
        call = ThreadedCall(self._client, self._threads)
        try:
            yield call
        finally:
            await call.aclose()

    @staticmethod
    def send(request: AWSPreparedRequest, **_: object) -> AWSResponse | None:
        """The answer to botocore's event `before-send`; None, and botocore sends it itself, outside of a call."""
        call = CURRENT.get()
        return call.send(request) if call else None


class ThreadedCall:
    """One call of a model, and the body of its answer as botocore reads it."""

    def __init__(self, client: httpx2.AsyncClient, threads: ThreadPoolExecutor) -> None:
        self._client = client
        self._threads = threads
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[Any] | None = None
        self._response: httpx2.Response | None = None
        self._is_over = False

    async def run(self, work: Callable[..., T], *given: Any, **named: Any) -> T:
        """The result of `work` in a thread of this call."""
        context = copy_context()
        context.run(CURRENT.set, self)
        return await self._loop.run_in_executor(self._threads, context.run, partial(work, *given, **named))

    async def aclose(self) -> None:
        """Give up what is not done; the thread that waits for it is told so."""
        self._is_over = True
        if self._task and not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task})
        if self._response:
            await self._response.aclose()

    def send(self, request: AWSPreparedRequest) -> AWSResponse:
        """The head of the answer."""
        headers = list(request.headers.items())
        sent = self._client.build_request(request.method, request.url, headers=headers, content=request.body)
        response = self._response = self._wait(self._client.send(sent, stream=True))
        self._pieces = response.aiter_raw()
        return AWSResponse(request.url, response.status_code, response.headers, self)

    def stream(self) -> Iterator[bytes]:
        """Its body, as it comes."""
        while (piece := self._wait(self._next())) is not None:
            yield piece

    def close(self) -> None:
        """Nothing: the event loop closes it."""

    async def _next(self) -> bytes | None:
        return await anext(self._pieces, None)

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(self._watched(work), self._loop).result()

    async def _watched(self, work: Coroutine[Any, Any, T]) -> T:
        if self._is_over:
            work.close()
            raise ConnectionError("the call was given up")
        self._task = asyncio.current_task()
        return await work
