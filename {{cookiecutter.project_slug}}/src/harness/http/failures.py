"""What a caller may know of an error, in the words of every protocol: one table, `failures.csv`, says them all."""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Final, NamedTuple, Self

import structlog
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from ..errors import InputRefused, ServiceError
from ..storage.thread_ref import ThreadRef

log = structlog.stdlib.get_logger(__name__)


class RequestRefused(HTTPException):
    """What HTTP itself asks to refuse; `detail` is for the caller."""


class Form:
    """How texts must look: regular expressions, and the same in words."""

    MESSAGE: Final = r"^[^\x00]*[^\x00\s][^\x00]*$"
    COMMENT: Final = r"^[^\x00]*$"
    THREAD_ID: Final = ThreadRef.FORM
    APPROVAL_ID: Final = r"^[0-9a-f]{32}$"
    RUN_ID: Final = r"^[0-9a-f-]{36}$"
    IDEMPOTENCY_KEY: Final = r"^[!-~]{1,255}$"

    WORDS: Final = MappingProxyType(
        {
            MESSAGE: "It must not be blank, nor hold NUL.",
            COMMENT: "It must not hold NUL.",
            THREAD_ID: "It must be 1 to 64 letters (A to Z, a to z), digits, `-` or `_`.",
            APPROVAL_ID: "It must be the id of the call, 32 hexadecimal digits, as the answer named it.",
            RUN_ID: "It must be the `run_id` of the answer, 36 hexadecimal digits and `-`.",
            IDEMPOTENCY_KEY: "It must be 1 to 255 visible ASCII characters without a space.",
        }
    )


class FieldProblem(BaseModel):
    """One part of the request that breaks a rule; what was sent is not repeated."""

    field: str
    problem: str

    PLAIN_NAME: ClassVar = re.compile(r"[a-z]+(_[a-z]+)*")
    """An unknown name is the caller's text: it is repeated only where it looks like one of ours."""
    PLAIN_NAME_CHARS: ClassVar = 32
    """Longest one; ours have up to 12. A guess."""

    @classmethod
    def from_error(cls, error: Mapping[str, Any]) -> "FieldProblem":
        """One error of pydantic's, without the input that caused it."""
        match error["type"]:
            case "extra_forbidden":
                name = str(error["loc"][-1])
                is_plain = len(name) <= cls.PLAIN_NAME_CHARS and cls.PLAIN_NAME.fullmatch(name)
                problem = "This field is not known here; leave it out. /openapi.json names those that are."
                return cls(field=name if is_plain else "body", problem=problem)
            case "string_pattern_mismatch" if words := Form.WORDS.get(error["ctx"]["pattern"]):
                problem = words
            case "json_invalid":
                problem = f"This is not the JSON we read: {error['ctx']['error']}."
                return cls(field="body", problem=problem)
            case _:
                problem = error["msg"]
        field = ".".join(str(part) for part in error["loc"][1:]) or "body"
        return cls(field=field, problem=problem)


class ErrorWords(NamedTuple):
    """What an error is called where it is no HTTP status."""

    mcp: str
    """`tool`: the result of a tool call, with `isError`, that its model reads; else a JSON-RPC code."""

    a2a: str
    """State in which it leaves a task, as the specification spells it: `rejected`, `failed`, `input-required`,
    `auth-required`."""

    openai_type: str
    openai_code: str
    agui: str
    """`code` of `RUN_ERROR`."""

    @classmethod
    @cache
    def table(cls) -> Mapping[str, Self]:
        """The rows, by code of a `ServiceError` or by HTTP status; `-` stands for the code itself."""
        with Path(__file__).with_name("failures.csv").open(encoding="utf-8", newline="") as file:
            return {row.pop("error"): cls(**row) for row in csv.DictReader(file)}

    @classmethod
    def of(cls, code: str, status: HTTPStatus) -> Self:
        """The row of `code`; without one that of its status, or of the first of the same hundred."""
        table = cls.table()
        is_ours = status >= HTTPStatus.INTERNAL_SERVER_ERROR
        hundred = HTTPStatus.INTERNAL_SERVER_ERROR if is_ours else HTTPStatus.BAD_REQUEST
        row = table.get(code) or table.get(str(status.value)) or table[str(hundred.value)]
        names = {"openai_code": code.replace("-", "_"), "agui": code}
        return row._replace(**{name: it for name, it in names.items() if getattr(row, name) == "-"})


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed request: `detail` and the words are for its caller, the error itself is for the log alone."""

    code: str
    """Stable name: that of a `ServiceError`, or of an HTTP status (`content-too-large`)."""

    status: HTTPStatus
    title: str
    detail: str
    request_id: str
    is_ours: bool = True
    """False where HTTP's own status says all that there is to say."""

    errors: Sequence[FieldProblem] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    """What an HTTP answer adds."""

    retry_after_seconds: int | None = None

    MOST_ERRORS: ClassVar = 20
    """Shown of one request; a body of 64 kB can have thousands."""

    @property
    def words(self) -> ErrorWords:
        """What other protocols call it."""
        return ErrorWords.of(self.code, self.status)

    @property
    def is_server_error(self) -> bool:
        """True when it failed on our side."""
        return self.status >= HTTPStatus.INTERNAL_SERVER_ERROR

    @property
    def text(self) -> str:
        """All in one text, for protocols that have no other place: parts that are wrong, the id to quote."""
        parts = [self.detail, *(f"{it.field}: {it.problem}" for it in self.errors)]
        if self.is_server_error:
            parts.append(f"Quote this id to support: {self.request_id}")
        return " ".join(parts)

    @classmethod
    def recorded(cls, error: BaseException, request_id: str) -> Self:
        """As `from_error`; what failed on our side is logged with its traceback."""
        failure = cls.from_error(error, request_id)
        if failure.is_server_error:
            log.error("request_failed", exc_info=error)
        return failure

    @classmethod
    def from_error(cls, error: BaseException, request_id: str) -> Self:
        """What a caller may know of `error`; of an unforeseen one a fixed text and the id, never `str(error)`."""
        if isinstance(error, ServiceError):
            failure = cls(error.code, error.status, error.title, error.detail, request_id)
            return replace(failure, headers=error.headers, retry_after_seconds=error.retry_after_seconds)
        if isinstance(error, RequestValidationError):
            detail = "The request does not have the documented form; see errors."
            errors = list(map(FieldProblem.from_error, error.errors()[: cls.MOST_ERRORS]))
            kind = InputRefused
            return replace(cls(kind.code, kind.status, kind.title, detail, request_id), errors=errors)
        status, detail = HTTPStatus.INTERNAL_SERVER_ERROR, ServiceError.detail
        if isinstance(error, HTTPException):
            status = HTTPStatus(error.status_code)
            detail = status.description or status.phrase
        if isinstance(error, RequestRefused):
            detail = error.detail
        code = status.phrase.lower().replace(" ", "-")
        headers = dict(getattr(error, "headers", None) or {})
        return replace(cls(code, status, status.phrase, detail, request_id), is_ours=False, headers=headers)
