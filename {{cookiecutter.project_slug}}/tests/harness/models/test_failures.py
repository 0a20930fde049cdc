"""Every error of every provider's class has one stable reason."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any

import httpx
import httpx2
import pytest

from harness.errors import ClarificationNeeded
from harness.models.failures import ModelCallFailed
from harness.sources.http import ResponseRejected


class StatusError(Exception):
    """As OpenAI's and Anthropic's SDKs raise it."""

    def __init__(self, status: int, **headers: str) -> None:
        self.status_code = status
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        self.response = SimpleNamespace(headers=told)


class ClientError(Exception):
    """As botocore raises it; without a status when it comes inside a stream."""

    def __init__(self, status: int | None) -> None:
        told = {} if status is None else {"HTTPStatusCode": status, "HTTPHeaders": {}}
        self.response: Any = {"Error": {}, "ResponseMetadata": told}


class APIError(Exception):
    """As OpenAI's SDK raises it for an error inside a stream."""


class ReadTimeoutError(Exception):
    """Botocore's."""


class EndpointConnectionError(ConnectionError):
    """Botocore's."""


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (StatusError(429), "busy"),
        (StatusError(408), "timeout"),
        (StatusError(500), "upstream_error"),
        (StatusError(529), "upstream_error"),
        (StatusError(200), "upstream_error"),
        (StatusError(302), "refused"),
        (StatusError(400), "refused"),
        (StatusError(401), "refused"),
        (StatusError(403), "refused"),
        (StatusError(404), "refused"),
        (ClientError(429), "busy"),
        (ClientError(400), "refused"),
        (ClientError(None), "upstream_error"),
        (APIError(), "upstream_error"),
        (TimeoutError(), "timeout"),
        (ReadTimeoutError(), "timeout"),
        (httpx.ReadTimeout(""), "timeout"),
        (httpx2.PoolTimeout(""), "timeout"),
        (httpx2.ConnectTimeout(""), "connection"),
        (httpx2.ConnectError(""), "connection"),
        (httpx2.RemoteProtocolError(""), "connection"),
        (ConnectionResetError(), "connection"),
        (EndpointConnectionError(), "connection"),
        (ResponseRejected(""), "upstream_invalid"),
        (httpx.DecodingError(""), "upstream_invalid"),
        (AttributeError(), "upstream_invalid"),
        (KeyError(), "upstream_invalid"),
        (TypeError(), "upstream_invalid"),
        (ValueError(), "upstream_invalid"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_an_error_is_known_by_its_status_or_its_class(error: Exception, reason: str) -> None:
    assert ModelCallFailed.from_error(error).reason == reason


def test_what_an_sdk_wraps_is_seen_through() -> None:
    class APIConnectionError(Exception):
        pass

    for inner, reason in ((httpx2.ConnectTimeout(""), "connection"), (ResponseRejected(""), "upstream_invalid")):
        outer = APIConnectionError()
        outer.__cause__ = inner
        assert ModelCallFailed.from_error(outer).reason == reason


def test_an_error_raised_from_none_is_judged_alone() -> None:
    outer = StatusError(400)
    outer.__context__ = TimeoutError()
    outer.__suppress_context__ = True
    assert [type(each) for each in ModelCallFailed._causes(outer)] == [StatusError]


def in_an_hour() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)


@pytest.mark.parametrize(
    ("headers", "low", "high"),
    [
        ({"retry_after": "2"}, 2, 2),
        ({"retry_after": "0.5"}, 0.5, 0.5),
        ({"retry_after": "in an hour"}, 1, 3600),
        ({"retry_after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0, 0),
        ({"retry_after_ms": "250", "retry_after": "9"}, 0.25, 0.25),
    ],
)
def test_the_wait_that_is_asked_for_is_read(headers: dict[str, str], low: float, high: float) -> None:
    sent = {name: in_an_hour() if text == "in an hour" else text for name, text in headers.items()}
    seconds = ModelCallFailed.from_error(StatusError(429, **sent)).retry_after_seconds
    assert seconds is not None
    assert low <= seconds <= high


@pytest.mark.parametrize(
    "headers", [{}, {"retry_after": "soon"}, {"retry_after": "Thu, 01 Jan 2099 00:00:00"}, {"retry_after_ms": "x"}]
)
def test_a_wait_that_makes_no_sense_is_none(headers: dict[str, str]) -> None:
    assert ModelCallFailed.from_error(StatusError(429, **headers)).retry_after_seconds is None


@pytest.mark.parametrize(
    ("reason", "is_retryable", "trips_breaker"),
    [
        ("timeout", True, True),
        ("connection", True, True),
        ("busy", True, True),
        ("upstream_error", True, True),
        ("upstream_invalid", False, True),
        ("refused", False, False),
        ("breaker_open", False, False),
        ("overloaded", False, False),
    ],
)
def test_a_reason_tells_whether_to_try_again_and_whether_it_counts(
    reason: Any, is_retryable: bool, trips_breaker: bool
) -> None:
    failure = ModelCallFailed(reason)
    assert (failure.is_retryable, failure.trips_breaker) == (is_retryable, trips_breaker)


def test_only_a_timeout_after_a_fair_time_counts() -> None:
    assert ModelCallFailed.from_error(TimeoutError()).trips_breaker
    assert not ModelCallFailed.from_error(TimeoutError(), had_full_timeout=False).trips_breaker
    assert ModelCallFailed.from_error(ConnectionError(), had_full_timeout=False).trips_breaker


def test_our_own_errors_pass_unchanged() -> None:
    with pytest.raises(ClarificationNeeded), ModelCallFailed.translated(had_full_timeout=True):
        raise ClarificationNeeded("Which one?")
    with pytest.raises(ModelCallFailed, match="busy"), ModelCallFailed.translated(had_full_timeout=True):
        raise ModelCallFailed("busy")
