"""Every failure as one problem document (RFC 9457, `application/problem+json`)."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from itertools import chain
from types import MappingProxyType
from typing import Any, ClassVar, Final

import structlog
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from ..errors import InputRefused, ServiceError

log = structlog.stdlib.get_logger(__name__)

MEDIA_TYPE: Final = "application/problem+json"

Responses = dict[int | str, dict[str, Any]]


class RequestRefused(HTTPException):
    """What HTTP itself asks to refuse; `detail` is for the caller."""


class Form:
    """How texts must look: regular expressions, and the same in words."""

    MESSAGE: Final = r"^[^\x00]*[^\x00\s][^\x00]*$"
    COMMENT: Final = r"^[^\x00]*$"
    THREAD_ID: Final = r"^[A-Za-z0-9_-]{1,64}$"
    """What names a conversation: no NUL, no surrogate, nothing that a path or a log could misread."""
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


class Problem(BaseModel, use_attribute_docstrings=True):
    """What went wrong, for programs (`type`, `status`) and for people (`title`, `detail`)."""

    type: str
    """Stable name of the kind of problem; `about:blank` when the status says it all."""

    title: str
    status: int
    detail: str

    instance: str
    """The request's id, the same as in `X-Request-ID` and in our log: quote it to support."""

    errors: list[FieldProblem] | None = None

    MOST_ERRORS: ClassVar = 20
    """Shown of one request; a body of 64 kB can have thousands."""

    MEANING: ClassVar[Mapping[int, str]] = {
        401: "No key or token, or one that does not count; `WWW-Authenticate` says how to send one.",
        403: "The key or token lacks a scope, or its account is not verified.",
        404: "You have no such conversation, got no such answer, or nothing waits for this decision.",
        408: "The body did not come whole in BODY_TIMEOUT_SECONDS.",
        409: "An earlier turn of the conversation still runs, and `Retry-After` says when to try again; "
        "or it was decided before.",
        410: "It has waited too long for a decision.",
        413: "The body is larger than BODY_MAX_BYTES.",
        415: "The body is not in UTF-8, or it is compressed.",
        422: "The request does not have the documented form.",
        429: "A rate or a quota is used up; `Retry-After` says when to try again.",
        500: "Something failed on our side; `instance` names it in our log.",
        503: "Not available right now; `Retry-After` says when to try again.",
    }

    @classmethod
    def responses(cls, *statuses: int) -> Responses:
        """The `responses` of a route that can fail with `statuses`."""
        schema = {"$ref": f"#/components/schemas/{cls.__name__}"}
        documented: Responses = {}
        for status in statuses:
            example = cls(
                type="about:blank",
                title=HTTPStatus(status).phrase,
                status=status,
                detail=cls.MEANING[status],
                instance="5f0c3f0f7a1e4f6e9f5f0d3c8b7a6e1d",
            ).model_dump(exclude_none=True)
            content = {MEDIA_TYPE: {"schema": schema, "example": example}}
            documented[status] = {"description": cls.MEANING[status], "content": content}
        return documented

    @classmethod
    def answer(cls, error: Exception, instance: str) -> Response:
        """The document that answers `error`, with its headers; what failed on our side is logged."""
        problem = cls.from_error(error, instance)
        if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.error("request_failed", exc_info=error)
        headers = dict(getattr(error, "headers", None) or {})
        body = problem.model_dump_json(exclude_none=True)
        return Response(body, problem.status, headers, MEDIA_TYPE)

    @classmethod
    def from_error(cls, error: Exception, instance: str) -> "Problem":
        """What a caller may know of `error`; of an unforeseen one, the id alone."""
        if isinstance(error, ServiceError):
            return cls(
                type=f"urn:problem:{error.code}",
                title=error.title,
                status=error.status,
                detail=error.detail,
                instance=instance,
            )
        if isinstance(error, RequestValidationError):
            return cls(
                type="urn:problem:input-refused",
                title=InputRefused.title,
                status=InputRefused.status,
                detail="The request does not have the documented form; see errors.",
                instance=instance,
                errors=list(map(FieldProblem.from_error, error.errors()[: cls.MOST_ERRORS])),
            )
        status, detail = HTTPStatus.INTERNAL_SERVER_ERROR, ServiceError.detail
        if isinstance(error, HTTPException):
            status = HTTPStatus(error.status_code)
            detail = status.description or status.phrase
        if isinstance(error, RequestRefused):
            detail = error.detail
        return cls(type="about:blank", title=status.phrase, status=status, detail=detail, instance=instance)

    @classmethod
    async def handle(cls, request: Request, error: Exception) -> Response:
        """Answer what a route raised; the rest is caught by `AccessLogMiddleware`."""
        answer = cls.answer(error, request.state.request_id)
        if "Allow" in answer.headers:
            # Starlette names the methods of the first route with this path; all count (RFC 9110).
            path = getattr(request.scope.get("route"), "path", "")
            routes = iter_route_contexts(request.app.routes)
            methods = [it.methods or () for it in routes if it.path == path]
            allowed = {*answer.headers["Allow"].split(", "), *chain.from_iterable(methods)}
            answer.headers["Allow"] = ", ".join(sorted(allowed))
        return answer
