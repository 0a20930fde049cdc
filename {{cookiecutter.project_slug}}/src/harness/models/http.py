"""The HTTP client under the providers' own clients: connections that are shared, answers that end."""

import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import cache, cached_property
from ssl import SSLContext
from typing import Any, Final

import httpx2

from ..settings import Settings
from .failures import AnswerRejected

Hook = Callable[[Any], Awaitable[None]]


class ModelHttp:
    """One pool of connections for all models, and the bound on what an answer may unfold to."""

    def __init__(self, settings: Settings) -> None:
        """Open nothing yet; the client comes with the first model that needs it."""
        self._settings = settings

    @property
    def timeout(self) -> tuple[float, float, float, float]:
        """Seconds to connect, read, write and wait for a connection, as httpx takes them.

        To read starts anew with every byte: the chain's own clock is the one that ends a call.
        """
        seconds = self._settings.llm_timeout_seconds
        return self._settings.llm_connect_timeout_seconds, seconds, seconds, seconds

    @cached_property
    def client(self) -> httpx2.AsyncClient:
        """For SDKs that take one. The environment's proxies hold; no redirect is followed."""
        return httpx2.AsyncClient(
            verify=self.tls(),
            timeout=httpx2.Timeout(self.timeout),
            # The places in a bulkhead bound the calls.
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
        bounded = type("BoundedStream", (BoundedBody, stream_class), {})

        async def bound(response: Any) -> None:
            encoding = response.headers.pop("content-encoding", "")
            response.stream = bounded(response.stream, encoding, max_bytes)

        return bound

    async def aclose(self) -> None:
        """Close the connections."""
        if "client" in vars(self):
            await self.client.aclose()
        if "unused_client" in vars(self):
            self.unused_client.close()


class BoundedBody:
    """A body of at most so many bytes, unzipped by us: a bomb never unfolds."""

    GZIP: Final = 16 + zlib.MAX_WBITS
    """zlib's sign for "with a gzip header"."""

    def __init__(self, stream: Any, encoding: str, max_bytes: int) -> None:
        self._stream = stream
        self._encoding = encoding.strip().lower()
        self._max_bytes = max_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The pieces.

        Raises:
            AnswerRejected: They are too many, or packed in a way other than gzip.
        """
        if self._encoding not in ("", "identity", "gzip"):
            raise AnswerRejected(f"the content encoding is {self._encoding}, not gzip")
        unzip = zlib.decompressobj(self.GZIP) if self._encoding == "gzip" else None
        room = self._max_bytes
        async for raw in self._stream:
            piece = self._unzipped(unzip, raw, room + 1) if unzip else raw
            room -= len(piece)
            if room < 0:
                raise AnswerRejected(f"larger than LLM_MAX_ANSWER_BYTES={self._max_bytes}")
            yield piece

    @staticmethod
    def _unzipped(unzip: Any, raw: bytes, max_bytes: int) -> bytes:
        try:
            piece: bytes = unzip.decompress(raw, max_bytes)
        except zlib.error:
            raise AnswerRejected("broken gzip") from None
        return piece

    async def aclose(self) -> None:
        """Give the connection back."""
        await self._stream.aclose()
