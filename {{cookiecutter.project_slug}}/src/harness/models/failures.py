"""What can go wrong with a model call, in words that stay the same over all providers."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final, Literal

from ..errors import ServiceError

Reason = Literal[
    "timeout",  # no answer, or no further piece of one, in time
    "connection",  # not reached, or lost
    "busy",  # 429
    "upstream_error",  # 5xx, or an error in mid-stream
    "upstream_invalid",  # a success that is none: HTML, broken JSON, no content, cut off, too large
    "refused",  # any other 4xx: our request, our key
    "breaker_open",  # not asked: it failed too often
    "overloaded",  # not asked: too many calls at once
]


class AnswerRejected(Exception):
    """An answer that is not read to its end; the text says why, for the log."""


class ModelCallFailed(Exception):
    """One call of one model gave nothing usable. The provider's own error is its cause."""

    RETRYABLE: Final = frozenset({"timeout", "connection", "busy", "upstream_error"})
    COUNTED: Final = RETRYABLE | {"upstream_invalid"}

    def __init__(
        self, reason: Reason, *, retry_after_seconds: float | None = None, counts: bool = True
    ) -> None:
        self.reason: Reason = reason
        self.retry_after_seconds = retry_after_seconds
        """What the provider asks to wait; None where it did not say."""
        self.is_retryable = reason in self.RETRYABLE
        self.counts = counts and reason in self.COUNTED
        """Whether it speaks against the model: the breaker counts it."""
        super().__init__(reason)


class Failures:
    """Reads a reason from whatever a provider's classes raise.

    They are told apart by status and by the names of their classes: no SDK is imported for it.
    What is none of them came from an answer that its class could not read: a 200 with HTML is an
    AttributeError or a ValueError, empty choices are a TypeError (langchain-openai 1.7).
    """

    UNREADABLE: Final = frozenset({"AnswerRejected", "DecodingError"})
    UNREACHED: Final = frozenset({"ConnectTimeout", "ConnectTimeoutError", "ConnectError"})
    TIMEOUTS: Final = frozenset(
        {"TimeoutError", "TimeoutException", "APITimeoutError", "ReadTimeoutError"}
    )
    CONNECTIONS: Final = frozenset(
        {"ConnectionError", "TransportError", "APIConnectionError", "HTTPClientError"}
    )
    IN_STREAM: Final = frozenset({"APIError", "ClientError"})

    @classmethod
    @contextmanager
    def named(cls, *, had_full_timeout: bool) -> Iterator[None]:
        """Raise CallFailed in place of every failure in the block; ours pass unchanged.

        A timeout counts only when the call had a fair time.
        """
        try:
            yield
        except (ModelCallFailed, ServiceError):
            raise
        except Exception as error:
            raise cls.classify(error, had_full_timeout=had_full_timeout) from error

    @classmethod
    def classify(cls, error: BaseException, *, had_full_timeout: bool = True) -> ModelCallFailed:
        """The failure that `error` stands for."""
        chain = list(cls._chain(error))
        names = {kind.__name__ for each in chain for kind in type(each).__mro__}
        if names & cls.UNREADABLE:
            return ModelCallFailed("upstream_invalid")
        for each in chain:
            status, headers = cls._response(each)
            if status is not None:
                return cls._by_status(status, headers)
        reasons: tuple[tuple[frozenset[str], Reason], ...] = (
            (cls.UNREACHED, "connection"),
            (cls.TIMEOUTS, "timeout"),
            (cls.CONNECTIONS, "connection"),
            (cls.IN_STREAM, "upstream_error"),
        )
        for known, reason in reasons:
            if names & known:
                return ModelCallFailed(reason, counts=had_full_timeout or reason != "timeout")
        return ModelCallFailed("upstream_invalid")

    @staticmethod
    def _chain(error: BaseException | None) -> Iterator[BaseException]:
        while error is not None:
            yield error
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)

    @staticmethod
    def _response(error: BaseException) -> tuple[int | None, Mapping[str, Any]]:
        """Status and headers where an error carries an HTTP answer."""
        response = getattr(error, "response", None)
        if isinstance(response, Mapping):  # botocore
            told = response.get("ResponseMetadata", {})
            return told.get("HTTPStatusCode"), told.get("HTTPHeaders", {})
        return getattr(error, "status_code", None), getattr(response, "headers", {})

    @classmethod
    def _by_status(cls, status: int, headers: Mapping[str, Any]) -> ModelCallFailed:
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return ModelCallFailed("busy", retry_after_seconds=cls._wait(headers))
        if status == HTTPStatus.REQUEST_TIMEOUT:
            return ModelCallFailed("timeout")
        # A 200 is an error in mid-stream: Anthropic's class reports the status of its beginning.
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status < HTTPStatus.MULTIPLE_CHOICES:
            return ModelCallFailed("upstream_error", retry_after_seconds=cls._wait(headers))
        return ModelCallFailed("refused")

    @staticmethod
    def _wait(headers: Mapping[str, Any]) -> float | None:
        """Seconds to wait (RFC 9110, 10.2.3: seconds or a date); OpenAI also says milliseconds."""
        try:
            if "retry-after-ms" in headers:
                return max(0.0, float(headers["retry-after-ms"]) / 1000)
            told = str(headers["retry-after"])
            if told.replace(".", "", 1).isdecimal():
                return float(told)
            return max(0.0, (parsedate_to_datetime(told) - datetime.now(UTC)).total_seconds())
        except (KeyError, ValueError, TypeError):  # TypeError: a date without a zone
            return None
