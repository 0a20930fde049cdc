"""The requests of one MCP session, through the pool and the rules of all data sources."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Final

import httpx2

from ...errors import PolicyViolation, SourceUnavailable
from ..http import BoundedBody, ResponseRejected


class SessionTransport(httpx2.AsyncBaseTransport):
    """Sends what the SDK asks for, to one address only; answers are bounded and no redirect is followed.

    The SDK hides some failures or tells them as its own: the first refusal and the last status are kept here.
    """

    GOODBYE_SECONDS: Final = 0.5
    """Longest time for what the SDK sends when a session ends, seconds: a server that hangs must not
    keep it. A guess."""

    LEFT_OUT: Final = ("content-encoding", "content-length", "set-cookie", "transfer-encoding")
    """Headers that are not true of a decompressed body, and cookies."""

    def __init__(
        self, client: httpx2.AsyncClient, url: str, keys: Mapping[str, str], max_bytes: int, seconds: float
    ) -> None:
        """Send to `url` alone, with `keys`, by the pool of `client`; nothing but a goodbye after `seconds`."""
        self._client = client
        self._url = httpx2.URL(url)
        self._keys = keys
        self._max_bytes = max_bytes
        self._bytes_left = max_bytes
        self._until = self._now() + seconds + self.GOODBYE_SECONDS
        self.refusal: Exception | None = None
        self.status = 0

    def leave(self) -> None:
        """Wait no longer than a moment for what is sent from now on."""
        self._until = min(self._until, self._now() + self.GOODBYE_SECONDS)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The answer, its body still to be read."""
        try:
            async with asyncio.timeout_at(self._until):
                return await self._answer(request)
        except (ResponseRejected, PolicyViolation, SourceUnavailable) as refusal:
            raise self._refused(refusal) from None

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        if request.url != self._url:
            raise ResponseRejected("another address than its own")
        if request.method == "GET":  # a stream for what the server may want of us: nothing
            return httpx2.Response(httpx2.codes.METHOD_NOT_ALLOWED)
        request.headers["Accept-Encoding"] = "gzip"
        request.headers.update(self._keys)
        response = await self._client.send(request, stream=True)
        self.status = response.status_code
        if response.is_redirect:
            await response.aclose()
            raise ResponseRejected(f"HTTP {self.status}: redirects are not followed, name the new address")
        headers = {name: it for name, it in response.headers.items() if name.lower() not in self.LEFT_OUT}
        body = BoundedBody(response.headers.get("content-encoding", ""), self._max_bytes)
        answer = httpx2.Response(self.status, headers=headers, stream=_Bounded(self, response, body))
        if request.method == "DELETE":  # the end of a session: read here, where it has its time
            try:
                await answer.aread()
            finally:
                await answer.aclose()
        return answer

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    def count(self, piece: bytes) -> bytes:
        """A piece of an answer; all answers of a session together have one limit.

        Raises:
            ResponseRejected: It is passed.
        """
        self._bytes_left -= len(piece)
        if self._bytes_left < 0:
            raise ResponseRejected(f"larger than DATA_MAX_BYTES={self._max_bytes}")
        return piece

    def _refused(self, refusal: Exception) -> Exception:
        self.refusal = self.refusal or refusal
        return refusal


class _Bounded(httpx2.AsyncByteStream):
    """The body of an answer, up to the limit."""

    def __init__(self, transport: SessionTransport, response: httpx2.Response, body: BoundedBody) -> None:
        self._transport = transport
        self._response = response
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._response.aiter_raw():
                yield self._transport.count(self._body.feed(piece))
        except ResponseRejected as refusal:
            raise self._transport._refused(refusal) from None  # noqa: SLF001 - its other half

    async def aclose(self) -> None:
        await self._response.aclose()
