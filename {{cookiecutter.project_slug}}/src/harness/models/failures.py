"""Why a model call failed, in reasons that are the same for every provider; and its retries."""

import asyncio
import random
import re
import tomllib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, Literal, Self, TypeVar

from ..errors import ServiceError
from .endings import Endings

T = TypeVar("T")

_DATA: Final = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))

Reason = Literal[
    "timeout",  # no answer, or no further piece of one, in time
    "connection",  # not reached, or lost
    "busy",  # 429
    "upstream_error",  # 5xx, or an error in mid-stream
    "upstream_invalid",  # a success that is none: HTML, broken JSON, a stream without its end, too large
    "said_nothing",  # an answer without a word or a call
    "cut",  # it was longer than it may be, and has no whole sentence or half a call
    "withheld",  # the provider's filter, or the model itself, refuses this question
    "refused",  # any other 4xx: our request, our key
    "breaker_open",  # not asked: it failed too often
    "overloaded",  # not asked: too many calls at once
]


class ModelCallFailed(Exception):
    """One call of one model gave nothing usable. The provider's own error is its cause.

    Providers' errors are classified by status and by the names of their classes: no SDK is
    imported for it. What is none of them came from an answer that its class could not read: a 200
    with HTML is an AttributeError or a ValueError, empty choices are a TypeError (langchain-openai
    1.7).
    """

    RETRYABLE: Final = frozenset({"timeout", "connection", "busy", "upstream_error"})
    AGAINST_THE_MODEL: Final = RETRYABLE | {"upstream_invalid"}
    ANSWERED: Final = frozenset({"refused", "said_nothing", "cut", "withheld"})
    """What a question may cause: the model is there, whoever asks the next."""

    CLASSES: Final[Mapping[Reason, frozenset[str]]] = {
        "connection": frozenset({"ConnectionError", "TransportError", "APIConnectionError", "HTTPClientError"}),
        "timeout": frozenset({"TimeoutError", "TimeoutException", "APITimeoutError", "ReadTimeoutError"}),
        "upstream_error": frozenset({"APIError", "ClientError"}),  # in mid-stream
    }
    AWS: Final[Mapping[str, int]] = _DATA["aws"]
    REMEDIES: Final[Mapping[str, str]] = _DATA["remedies"]
    UNREADABLE: Final = frozenset({"ResponseRejected", "DecodingError"})
    UNREACHED: Final = frozenset({"ConnectTimeout", "ConnectTimeoutError", "ConnectError"})

    def __init__(
        self, reason: Reason, *, retry_after_seconds: float | None = None, had_full_timeout: bool = True
    ) -> None:
        self.reason: Reason = reason
        self.status: int | None = None
        """Of the provider's HTTP answer, where it was one of an error."""
        self.told = ""
        """The provider's own words. They may quote the key or the prompt: for no log and no answer."""
        self.retry_after_seconds = retry_after_seconds
        """What the provider asks to wait; None where it did not say."""
        self.is_retryable = reason in self.RETRYABLE
        self.trips_breaker = reason in self.AGAINST_THE_MODEL and (had_full_timeout or reason != "timeout")
        """Whether it speaks against the model, and not against a request that had no time left."""
        super().__init__(reason)

    @classmethod
    @contextmanager
    def translated(cls, *, had_full_timeout: bool) -> Iterator[None]:
        """Raise this in place of every error in the block; our own errors pass unchanged."""
        try:
            yield
        except (cls, ServiceError):
            raise
        except Exception as error:
            raise cls.from_error(error, had_full_timeout=had_full_timeout) from error

    @classmethod
    def from_error(cls, error: BaseException, *, had_full_timeout: bool = True) -> Self:
        """The failure that a provider's `error` stands for."""
        causes = list(cls._causes(error))
        names = {kind.__name__ for each in causes for kind in type(each).__mro__}
        if names & cls.UNREADABLE:
            return cls("upstream_invalid")
        told = " ".join(f"{each} {getattr(each, 'body', '')}" for each in causes)
        for each in causes:
            status, headers = cls._response(each)
            if status is not None:
                failure = cls._from_status(status, headers)
                failure.status, failure.told = status, told
                return failure
        if names & cls.UNREACHED:
            return cls("connection")
        if names & cls.CLASSES["upstream_error"] and Endings.WITHHELD_ERROR.search(told):
            return cls("withheld")
        for reason in ("timeout", "connection", "upstream_error"):
            if names & cls.CLASSES[reason]:
                return cls(reason, had_full_timeout=had_full_timeout)
        return cls("upstream_invalid")

    @staticmethod
    def _causes(error: BaseException | None) -> Iterator[BaseException]:
        while error is not None:
            yield error
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)

    @property
    def remedy(self) -> str | None:
        """What an operator does about it, where the provider's words are known."""
        return next((it for pattern, it in self.REMEDIES.items() if re.search(pattern, self.told)), None)

    @classmethod
    def _response(cls, error: BaseException) -> tuple[int | None, Mapping[str, Any]]:
        """Status and headers where an error carries an HTTP answer."""
        response = getattr(error, "response", None)
        if isinstance(response, Mapping):  # botocore
            metadata = response.get("ResponseMetadata", {})
            code = str(response.get("Error", {}).get("Code")).lower()
            return cls.AWS.get(code, metadata.get("HTTPStatusCode")), metadata.get("HTTPHeaders", {})
        return getattr(error, "status_code", None), getattr(response, "headers", {})

    @classmethod
    def _from_status(cls, status: int, headers: Mapping[str, Any]) -> Self:
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return cls("busy", retry_after_seconds=cls._retry_after(headers))
        if status == HTTPStatus.REQUEST_TIMEOUT:
            return cls("timeout")
        # A 200 is an error in mid-stream: Anthropic's class reports the status of its beginning.
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status < HTTPStatus.MULTIPLE_CHOICES:
            return cls("upstream_error", retry_after_seconds=cls._retry_after(headers))
        return cls("refused")

    @staticmethod
    def _retry_after(headers: Mapping[str, Any]) -> float | None:
        """Seconds to wait (RFC 9110, 10.2.3: seconds or a date); OpenAI also says milliseconds."""
        try:
            if "retry-after-ms" in headers:
                return max(0.0, float(headers["retry-after-ms"]) / 1000)
            value = str(headers["retry-after"])
            if value.replace(".", "", 1).isdecimal():
                return float(value)
            return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
        except (KeyError, ValueError, TypeError):  # TypeError: a date without a zone
            return None


class Retries:
    """Repeats a call on a retryable failure, after a random wait or the one that was asked for.

    All retries are a share of all calls: when everything fails, they must not multiply the load.
    """

    FIRST_WAIT_SECONDS: Final = 0.2
    """Upper bound of the first wait, doubled for each further one (full jitter: evenly from 0, see
    AWS's "Exponential Backoff and Jitter"); a guess."""

    LONGEST_WAIT_SECONDS: Final = 5.0
    """Upper bound of any wait that the provider did not ask for; a guess."""

    SHARE: Final = 0.2
    """Retries per call; the default of Finagle's RetryBudget."""

    RESERVE: Final = 10.0
    """Retries that are always saved up for a quiet hour: a service with few calls may retry too."""

    def __init__(self, max_retries: int) -> None:
        self._max_retries = max_retries
        self.budget = self.RESERVE

    async def run(self, call: Callable[[], Awaitable[T]], until: float) -> T:
        """What `call` gives; no wait ends after `until`, in seconds of the event loop's clock.

        Raises:
            ModelCallFailed: The last failure.
        """
        self.budget = min(self.RESERVE, self.budget + self.SHARE)
        attempt = 0
        while True:
            try:
                return await call()
            except ModelCallFailed as failure:
                seconds = failure.retry_after_seconds
                if seconds is None:
                    most = min(self.LONGEST_WAIT_SECONDS, self.FIRST_WAIT_SECONDS * 2**attempt)
                    seconds = random.uniform(0, most)  # noqa: S311 - no secret
                comes_too_late = asyncio.get_running_loop().time() + seconds >= until
                is_last = attempt >= self._max_retries or comes_too_late or self.budget < 1
                if is_last or not failure.is_retryable:
                    raise
                self.budget -= 1
                attempt += 1
            await asyncio.sleep(seconds)
