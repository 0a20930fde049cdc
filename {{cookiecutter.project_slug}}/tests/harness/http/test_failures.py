"""One table for every error and every protocol, and what no table knows."""

from http import HTTPStatus

import pytest
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from harness.errors import RateLimitExceeded, ServiceError, SourceUnavailable
from harness.http.failures import ErrorWords, Failure, RequestRefused
from harness.http.problems import Problem
from tests.conftest import Lines
from tests.harness.test_errors import EXAMPLES

STATES = {"rejected", "failed", "input-required", "auth-required"}

TYPES = {"invalid_request_error", "authentication_error", "permission_error", "rate_limit_error", "server_error"}


def check(words: ErrorWords) -> None:
    assert words.mcp == "tool" or -32768 <= int(words.mcp) <= -32000
    assert words.a2a in STATES
    assert words.openai_type in TYPES
    assert all(words)
    assert "-" not in words[4:]


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: error.code)
def test_every_error_has_a_word_in_every_protocol(error: ServiceError) -> None:
    failure = Failure.from_error(error, "r1")
    check(failure.words)
    assert failure.words.agui == error.code
    assert (failure.status, failure.detail) == (error.status, error.detail)
    assert (failure.words.a2a == "failed") <= failure.is_server_error


@pytest.mark.parametrize("status", [*Problem.MEANING, 400, 405, 421, 431])
def test_so_has_every_status_that_http_itself_answers(status: int) -> None:
    failure = Failure.from_error(HTTPException(status), "r1")
    check(failure.words)
    assert not failure.is_ours
    assert failure.code.replace("-", " ") == HTTPStatus(status).phrase.lower().replace("-", " ")


def test_a_body_that_is_too_large_is_called_the_same_by_every_python() -> None:
    words = Failure.from_error(HTTPException(413), "r1").words  # 3.13 has another phrase
    assert (words.openai_code, words.agui) == ("content_too_large", "content-too-large")


def test_every_row_of_the_table_is_of_something() -> None:
    known = {error.code for error in EXAMPLES} | {str(status.value) for status in HTTPStatus}
    assert ErrorWords.table().keys() <= known


@pytest.mark.parametrize("error", [RuntimeError("at /etc/secret"), SourceUnavailable("rates", "at /etc/secret")])
def test_the_text_of_an_error_is_for_the_log_alone(error: Exception, lines: Lines) -> None:
    failure = Failure.recorded(error, "r1")
    assert "secret" not in f"{failure!r} {failure.text} {failure.words}"
    assert failure.text.endswith("Quote this id to support: r1")


def test_what_is_unforeseen_is_the_fixed_text() -> None:
    failure = Failure.from_error(KeyError("x"), "r1")
    assert (failure.detail, failure.code, failure.words.mcp) == (ServiceError.detail, "internal-server-error", "-32603")
    assert failure.words == ErrorWords("-32603", "failed", "server_error", "internal_server_error", failure.code)


def test_a_caller_learns_when_to_try_again() -> None:
    failure = Failure.from_error(RateLimitExceeded("caller", 12, {"RateLimit": "x"}), "r1")
    assert failure.retry_after_seconds == 12
    assert failure.headers == {"Retry-After": "12", "RateLimit": "x"}


def test_one_text_says_which_parts_are_wrong_and_not_what_was_sent() -> None:
    error = {"type": "missing", "loc": ("body", "message"), "msg": "Field required", "input": "hunter2"}
    failure = Failure.from_error(RequestValidationError([error]), "r1")
    assert failure.text == "The request does not have the documented form; see errors. message: Field required"


def test_what_http_asks_to_refuse_keeps_its_detail_and_headers() -> None:
    failure = Failure.from_error(RequestRefused(400, "Host: send it.", {"Connection": "close"}), "r1")
    assert (failure.detail, failure.headers) == ("Host: send it.", {"Connection": "close"})
