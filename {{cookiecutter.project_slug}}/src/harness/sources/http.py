"""Requests that stay inside a policy, a deadline and a size, and validated answers."""

import asyncio
import re
import zlib
from collections.abc import AsyncIterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Any, Final, TypeVar
from xml.etree.ElementTree import Element, ParseError

import httpx2
import orjson
import stamina
import structlog
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from pydantic import BaseModel, ValidationError

from ..errors import PolicyViolation, SourceUnavailable
from ..limits.deadline import Deadline
from ..settings import Settings
from ..telemetry.metrics import FAILURES, SOURCE_CALLS
from ..telemetry.tracing import TRACES
from .policy import Method, Policy
from .xml import TolerantXml


class ResponseRejected(Exception):
    """An answer that is not usable; the text says why, for the log."""


class BoundedBody:
    """Decompresses a body piece by piece up to a limit.

    A few compressed kilobytes may stand for gigabytes: they never unfold.
    """

    GZIP: Final = 16 + zlib.MAX_WBITS
    """zlib's sign for "with a gzip header"."""

    def __init__(self, encoding: str, max_bytes: int, setting: str = "DATA_MAX_BYTES") -> None:
        """Take at most `max_bytes` after decompression, the value of `setting`.

        Raises:
            ResponseRejected: `encoding` is not gzip, the only one that was asked for.
        """
        encoding = encoding.strip().lower()
        if encoding not in ("", "identity", "gzip"):
            raise ResponseRejected(f"the content encoding is {encoding}, not gzip")
        self._unzip = zlib.decompressobj(self.GZIP) if encoding == "gzip" else None
        self._limit = f"{setting}={max_bytes}"
        self._bytes_left = max_bytes

    def feed(self, piece: bytes) -> bytes:
        """A piece as it came over the wire, decompressed.

        Raises:
            ResponseRejected: The limit is passed, or the piece is no gzip.
        """
        if self._unzip:
            try:
                piece = self._unzip.decompress(piece, self._bytes_left + 1)
            except zlib.error:
                raise ResponseRejected("broken gzip") from None
        self._bytes_left -= len(piece)
        if self._bytes_left < 0:
            raise ResponseRejected(f"larger than {self._limit}")
        return piece

    async def read(self, pieces: AsyncIterable[bytes]) -> bytes:
        """The whole body.

        Raises:
            ResponseRejected: As `feed`, or the gzip stream was cut off.
        """
        content = bytearray()
        async for piece in pieces:
            content += self.feed(piece)
        if self._unzip and not self._unzip.eof:
            raise ResponseRejected("broken gzip")
        return bytes(content)


log = structlog.get_logger(__name__)

ModelT = TypeVar("ModelT", bound=BaseModel)
Params = Mapping[str, str | int | float | Sequence[str]]


class HttpClient:
    """Reads data sources. What they send is a stranger's text until it has been validated.

    One call gives its answer within DATA_TIMEOUT_SECONDS, and within the request's deadline,
    retries included, or fails. It sends no cookies, no key but the one that the policy names for the
    very host, and it follows no redirect: an address that nobody has checked is not asked.
    """

    FIRST_WAIT_SECONDS: Final = 0.1
    """Before the first retry, doubled for each further one; a guess."""

    OTHER: Final = "other"
    """What counts call every host that the policy does not name."""

    SHOWN_PROBLEMS: Final = 3
    """Fields named in the log when an answer breaks its model."""

    def __init__(self, client: httpx2.AsyncClient, policy: Policy, settings: Settings) -> None:
        self._client = client
        self._policy = policy
        self._private_hosts = settings.private_hosts
        self._timeout = settings.data_timeout_seconds
        self._max_bytes = settings.data_max_bytes
        self._retrying = stamina.AsyncRetryingCaller(
            attempts=1 + settings.data_max_retries,
            timeout=None,  # the deadline of the whole call
            wait_initial=self.FIRST_WAIT_SECONDS,
            wait_jitter=self.FIRST_WAIT_SECONDS,
        )

    async def get_json(self, url: str, params: Params, model: type[ModelT]) -> ModelT:
        """The JSON document at `url` as a `model`. Types are not coerced: `"18"` is no number.

        Raises:
            PolicyViolation: The host, its address or GET is not in the policy; nothing was sent.
            SourceUnavailable: No answer in time, or none that fits the model.
        """
        with self._watched("GET", url) as host:
            return self._read(host, await self._ask(host, "GET", url, "json", params=params), model)

    async def post_json(self, url: str, document: object, model: type[ModelT]) -> ModelT:
        """The answer to `document` as a `model`. Never tried twice, so a tool that writes may use it.

        Raises:
            PolicyViolation: The host, its address or POST is not in the policy; nothing was sent.
            SourceUnavailable: No answer in time, or none that fits the model.
        """
        with self._watched("POST", url) as host:
            content = orjson.dumps(document)
            body = await self._ask(host, "POST", url, "json", content=content)
            return self._read(host, body, model)

    async def get_xml(self, url: str) -> Element:
        """The root of the XML document at `url`, such as a feed. Entities of its own are refused.

        Raises:
            PolicyViolation: The host, its address or GET is not in the policy; nothing was sent.
            SourceUnavailable: No answer in time, or none that is well-formed.
        """
        with self._watched("GET", url) as host:
            body = await self._ask(host, "GET", url, "xml")
            try:
                root: Element = fromstring(body)
            except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
                # ValueError and LookupError: an encoding that the parser does not know
                raise SourceUnavailable(host, f"not XML: {type(error).__name__}") from None
            return root

    @classmethod
    def _read(cls, host: str, body: bytes, model: type[ModelT]) -> ModelT:
        try:
            orjson.loads(body)  # refuses NaN and 1e999, which pydantic lets in
            return model.model_validate_json(body, strict=True)
        except orjson.JSONDecodeError as error:
            raise SourceUnavailable(host, f"not JSON: {error.msg}") from None
        except ValidationError as error:
            raise SourceUnavailable(host, cls._problems(error)) from None

    @contextmanager
    def _watched(self, method: Method, url: str) -> Iterator[str]:
        """Yield the host of an allowed address; record how its answer came, without the query."""
        started = perf_counter()
        host, outcome, reason = self.OTHER, "cut", ""
        with TRACES.span(method, {"http.request.method": method}, "leaf") as span:
            try:
                host = self._allowed_host(method, url)
                span.set({"server.address": host})
                yield host
                outcome = "ok"
            except PolicyViolation:
                outcome = "refused"
                raise
            except SourceUnavailable as failure:
                outcome, reason = "failed", failure.reason
                raise
            finally:
                seconds = perf_counter() - started
                ms = round(seconds * 1000, 1)
                SOURCE_CALLS.labels(host, outcome).observe(seconds)
                if outcome == "failed":
                    FAILURES.labels("connectors", host).inc()
                    log.warning("source_failed", host=host, reason=reason, ms=ms)
                elif outcome == "ok":
                    log.debug("source_answered", host=host, ms=ms)

    def _allowed_host(self, method: Method, url: str) -> str:
        try:
            parsed = httpx2.URL(url)
        except httpx2.InvalidURL:
            raise PolicyViolation("host", "give http(s)://host/path") from None
        if parsed.scheme not in ("http", "https") or parsed.userinfo:
            raise PolicyViolation("host", "only http and https are allowed, without a user name")
        if parsed.host not in self._policy.hosts:
            raise PolicyViolation("host", "name it in the agent's policy")
        if method not in self._policy.methods:
            raise PolicyViolation("method", "name it in the agent's policy")
        is_open = parsed.scheme == "http" and parsed.host not in self._private_hosts
        if is_open and parsed.host in self._policy.keys:
            raise PolicyViolation("host", "its key is sent over https only")
        return parsed.host

    async def _ask(self, host: str, method: Method, url: str, subtype: str, **sent: Any) -> bytes:
        async def attempt() -> bytes:  # without arguments: the retry log would show the query
            return await self._attempt(host, method, url, subtype, **sent)

        seconds = Deadline.clamp(self._timeout)
        try:
            async with asyncio.timeout(seconds):
                if method != "GET":
                    return await attempt()
                return await self._retrying(self._wait_for, attempt)
        except TimeoutError:
            reason = f"no whole answer within DATA_TIMEOUT_SECONDS={self._timeout:g}"
            if seconds < self._timeout:
                reason = "no whole answer before the request's deadline"
            raise SourceUnavailable(host, reason) from None
        except httpx2.TransportError as error:
            raise SourceUnavailable(host, type(error).__name__) from error
        except ResponseRejected as error:
            raise SourceUnavailable(host, str(error)) from None

    def _wait_for(self, error: Exception) -> bool | float:
        """Seconds until the next attempt, True for the usual wait, False for no attempt."""
        if isinstance(error, Busy):
            wait = error.retry_after
            return True if wait is None else wait < Deadline.clamp(self._timeout) and wait
        return isinstance(error, httpx2.TransportError)

    async def _attempt(self, host: str, method: Method, url: str, subtype: str, **sent: Any) -> bytes:
        headers = {"Accept": f"application/{subtype}, */*;q=0.5", "Accept-Encoding": "gzip"}
        if "content" in sent:
            headers["Content-Type"] = "application/json"
        for name, key in self._policy.keys.get(host, {}).items():
            headers[name] = key.get_secret_value()
        async with self._client.stream(method, url, headers=headers, **sent) as response:
            self._check(response, subtype)
            body = BoundedBody(response.headers.get("content-encoding", ""), self._max_bytes)
            content = await body.read(response.aiter_raw())
        return TolerantXml.cleaned(content, response.charset_encoding) if subtype == "xml" else content

    @staticmethod
    def _check(response: httpx2.Response, subtype: str) -> None:
        """Refuse what is not a 200 of the wanted type; its body is not read."""
        status = response.status_code
        if status == httpx2.codes.TOO_MANY_REQUESTS or response.is_server_error:
            raise Busy(status, response.headers.get("retry-after", ""))
        if response.is_redirect:
            raise ResponseRejected(f"HTTP {status}: redirects are not followed, name the new address")
        if not response.is_success:
            raise ResponseRejected(f"HTTP {status}")
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if not re.fullmatch(rf"(?:application|text)/(?:[\w.-]+\+)?{subtype}", kind):
            raise ResponseRejected(f"the content type is {kind or 'missing'}, not {subtype}")

    @classmethod
    def _problems(cls, invalid: ValidationError) -> str:
        """Which fields are wrong and how; never what they held."""
        errors = invalid.errors(include_input=False, include_url=False, include_context=False)
        shown = [f"{'.'.join(map(str, error['loc']))}: {error['type']}" for error in errors[: cls.SHOWN_PROBLEMS]]
        return f"{len(errors)} fields break the model: {', '.join(shown)}"


class Busy(ResponseRejected):
    """429 or 5xx: the one refusal that another attempt may mend."""

    def __init__(self, status: int, retry_after: str) -> None:
        super().__init__(f"HTTP {status}")
        self.retry_after = float(retry_after) if retry_after.isdecimal() else None
        """Seconds that the source asks to wait; None where it gave none, or a date."""
