"""Every failure as one problem document (RFC 9457, `application/problem+json`)."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from itertools import chain
from typing import Any, ClassVar, Final

from fastapi import Request, Response
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel
from starlette.types import Scope

from .failures import Failure, FieldProblem

MEDIA_TYPE: Final = "application/problem+json"

Responses = dict[int | str, dict[str, Any]]

ErrorWriter = Callable[[Failure], tuple[bytes, str]]
"""Body and media type of an answer; status and headers are the same in every form."""


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
    def answer(cls, error: Exception, scope: Scope) -> Response:
        """What answers `error`, with its headers; what failed on our side is logged.

        A problem document, unless the path belongs to an endpoint whose callers read errors of another form.
        """
        failure = Failure.recorded(error, scope["state"]["request_id"])
        path, writers = scope["path"], scope["app"].state.error_writers
        theirs = (it for prefix, it in writers.items() if path == prefix or path.startswith(f"{prefix}/"))
        body, media_type = next(theirs, cls._written)(failure)
        return Response(body, failure.status, dict(failure.headers), media_type)

    @classmethod
    def _written(cls, failure: Failure) -> tuple[bytes, str]:
        return cls.from_failure(failure).model_dump_json(exclude_none=True).encode(), MEDIA_TYPE

    @classmethod
    def from_failure(cls, failure: Failure) -> "Problem":
        """What a caller may know of it."""
        return cls(
            type=f"urn:problem:{failure.code}" if failure.is_ours else "about:blank",
            title=failure.title,
            status=failure.status,
            detail=failure.detail,
            instance=failure.request_id,
            errors=list(failure.errors) or None,
        )

    @classmethod
    async def handle(cls, request: Request, error: Exception) -> Response:
        """Answer what a route raised; the rest is caught by `AccessLogMiddleware`."""
        answer = cls.answer(error, request.scope)
        if "Allow" in answer.headers:
            # Starlette names the methods of the first route with this path; all count (RFC 9110).
            path = getattr(request.scope.get("route"), "path", "")
            routes = iter_route_contexts(request.app.routes)
            methods = [it.methods or () for it in routes if it.path == path]
            allowed = {*answer.headers["Allow"].split(", "), *chain.from_iterable(methods)}
            answer.headers["Allow"] = ", ".join(sorted(allowed))
        return answer
