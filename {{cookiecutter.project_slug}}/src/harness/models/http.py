"""The HTTP client of the providers' SDKs: shared connections, and answers of a bounded size."""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import cache, cached_property
from ssl import SSLContext
from typing import Any

import httpx2

from ..settings import Settings
from ..sources.body import BoundedBody

Hook = Callable[[Any], Awaitable[None]]


class ModelHttp:
    """One pool of connections for all models, and the bound on what an answer may unfold to."""

    def __init__(self, settings: Settings) -> None:
        """Open nothing yet; the client comes with the first model that needs it."""
        self._settings = settings

    @property
    def timeout(self) -> tuple[float, float, float, float]:
        """Seconds to connect, read, write and wait for a connection, as httpx takes them.

        To read starts anew with every byte: the failover model's own clock ends a call.
        """
        seconds = self._settings.llm_timeout_seconds
        return self._settings.llm_connect_timeout_seconds, seconds, seconds, seconds

    @cached_property
    def client(self) -> httpx2.AsyncClient:
        """For SDKs that take one. The environment's proxies hold; no redirect is followed."""
        return httpx2.AsyncClient(
            verify=self.tls(),
            timeout=httpx2.Timeout(self.timeout),
            # The concurrency limiter bounds the calls.
            limits=httpx2.Limits(
                max_connections=None, max_keepalive_connections=self._settings.llm_max_concurrency
            ),
            event_hooks={"response": [self.hook(httpx2.AsyncByteStream)]},
        )

    @cached_property
    def unused_client(self) -> httpx2.Client:
        """For the half of an SDK that blocks: nobody calls it, but it must be there."""
        return httpx2.Client(verify=self.tls())

    @staticmethod
    @cache
    def tls() -> SSLContext:
        """What TLS trusts, read once in a process: reading it takes 27 ms."""
        return httpx2.create_ssl_context()

    def hook(self, stream_class: type[Any]) -> Hook:
        """What an httpx client runs on each answer before its body is read.

        `stream_class` is the client's own AsyncByteStream: Ollama's client still is of httpx 1.
        """
        max_bytes = self._settings.llm_max_answer_bytes
        bounded = type("OwnBoundedStream", (BoundedStream, stream_class), {})

        async def bound(response: Any) -> None:
            encoding = response.headers.pop("content-encoding", "")
            body = BoundedBody(encoding, max_bytes, "LLM_MAX_ANSWER_BYTES")
            response.stream = bounded(response.stream, body)

        return bound

    async def aclose(self) -> None:
        """Close the connections."""
        if "client" in vars(self):
            await self.client.aclose()
        if "unused_client" in vars(self):
            self.unused_client.close()


class BoundedStream:
    """The stream of an answer's body, decompressed by us up to a limit."""

    def __init__(self, stream: Any, body: BoundedBody) -> None:
        self._stream = stream
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The pieces.

        Raises:
            ResponseRejected: They are too many, or packed in a way other than gzip.
        """
        async for piece in self._stream:
            yield self._body.feed(piece)

    async def aclose(self) -> None:
        """Give the connection back."""
        await self._stream.aclose()
