"""Every failure as one problem document (RFC 9457, `application/problem+json`)."""

from collections.abc import Mapping
from http import HTTPStatus
from itertools import chain
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


class FieldProblem(BaseModel):
    """One part of the request that breaks a rule; what was sent is not repeated."""

    field: str
    problem: str

    @classmethod
    def from_error(cls, error: Mapping[str, Any]) -> "FieldProblem":
        """One error of pydantic's, without the input that caused it."""
        match error["type"]:
            case "extra_forbidden":  # the unknown name is the caller's text
                return cls(field="body", problem="A field is not known here.")
            case "json_invalid":
                problem = f"This is not the JSON we read: {error['ctx']['error']}."
                return cls(field="body", problem=problem)
        field = ".".join(str(part) for part in error["loc"][1:]) or "body"
        return cls(field=field, problem=error["msg"])


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

    MEANING: ClassVar[Mapping[int, str]] = {
        401: "No key or token, or one that does not count; `WWW-Authenticate` says how to send one.",
        403: "The key or token lacks a scope, or its account is not verified.",
        404: "You have no such conversation, got no such answer, or nothing waits for this decision.",
        408: "The body did not come whole in BODY_TIMEOUT_SECONDS.",
        409: "An earlier turn of the conversation still runs, and `Retry-After` says when to try again; "
        "or it was decided before.",
        410: "It has waited too long for a decision.",
        413: "The body is larger than BODY_MAX_BYTES.",
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
                errors=list(map(FieldProblem.from_error, error.errors())),
            )
        status, detail = HTTPStatus.INTERNAL_SERVER_ERROR, ServiceError.detail
        if isinstance(error, HTTPException):
            status = HTTPStatus(error.status_code)
            detail = status.description or status.phrase
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
