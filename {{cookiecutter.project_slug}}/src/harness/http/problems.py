"""Every failure as one problem document (RFC 9457, `application/problem+json`)."""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Route

from ..errors import ServiceError

log = structlog.stdlib.get_logger(__name__)

MEDIA_TYPE: Final = "application/problem+json"


class FieldProblem(BaseModel):
    """One part of the request that breaks a rule; what was sent is not repeated."""

    field: str
    problem: str


class Problem(BaseModel):
    """What went wrong, for programs (`type`, `status`) and for people (`title`, `detail`)."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    type: str
    """Stable name of the kind of problem; `about:blank` when the status says it all."""

    title: str
    status: int
    detail: str

    instance: str
    """The request's id, the same as in `X-Request-ID` and in our log: quote it to support."""

    errors: list[FieldProblem] | None = None

    def response(self, headers: Mapping[str, str] | None = None) -> Response:
        """The document as an answer."""
        body = self.model_dump_json(exclude_none=True)
        return Response(body, self.status, dict(headers or {}), MEDIA_TYPE)

    @classmethod
    def from_error(cls, error: Exception, instance: str) -> "Problem":
        """What a caller may know of `error`; of an unforeseen one, the id alone."""
        match error:
            case ServiceError():
                return cls(
                    type=f"urn:problem:{error.code}",
                    title=error.title,
                    status=error.status,
                    detail=error.detail,
                    instance=instance,
                )
            case RequestValidationError():
                return cls(
                    type="urn:problem:input-refused",
                    title="The request was refused",
                    status=HTTPStatus.UNPROCESSABLE_ENTITY,
                    detail="The request does not have the documented form; see errors.",
                    instance=instance,
                    errors=_FieldProblems.from_errors(error.errors()),
                )
            case HTTPException():
                status = HTTPStatus(error.status_code)
                return cls(
                    type="about:blank",
                    title=status.phrase,
                    status=status,
                    detail=status.description or status.phrase,
                    instance=instance,
                )
        return cls(
            type="about:blank",
            title=HTTPStatus.INTERNAL_SERVER_ERROR.phrase,
            status=HTTPStatus.INTERNAL_SERVER_ERROR,
            detail=ServiceError.detail,
            instance=instance,
        )


class _FieldProblems:
    """Validation errors without the input that caused them."""

    @classmethod
    def from_errors(cls, errors: Sequence[Mapping[str, Any]]) -> list[FieldProblem]:
        return [cls._of_one(error) for error in errors]

    @staticmethod
    def _of_one(error: Mapping[str, Any]) -> FieldProblem:
        match error["type"]:
            case "extra_forbidden":  # the unknown name is the caller's text
                return FieldProblem(field="body", problem="A field is not known here.")
            case "json_invalid":
                problem = f"This is not the JSON we read: {error['ctx']['error']}."
                return FieldProblem(field="body", problem=problem)
        field = ".".join(str(part) for part in error["loc"][1:]) or "body"
        return FieldProblem(field=field, problem=error["msg"])


class ProblemHandlers:
    """Turns what routes raise into problem documents."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        self._methods: dict[str, set[str]] = {}
        for route in routes:
            if isinstance(route, Route):
                self._methods.setdefault(route.path, set()).update(route.methods or ())

    @classmethod
    def install(cls, app: FastAPI, routes: Iterable[BaseRoute]) -> None:
        """Answer every failure of `routes`, those of `app`; the unforeseen is caught by `AccessLogMiddleware`."""
        handlers = cls(routes)
        for kind in (ServiceError, RequestValidationError, HTTPException):
            app.add_exception_handler(kind, handlers._answer)

    async def _answer(self, request: Request, error: Exception) -> Response:
        problem = Problem.from_error(error, request.state.request_id)
        if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.error("request_failed", exc_info=error)
        headers = dict(getattr(error, "headers", None) or {})
        if "Allow" in headers:
            # Starlette names the methods of the first route with this path; all count (RFC 9110).
            route = getattr(request.scope.get("route"), "path", "")
            methods = self._methods.get(route, set()) | set(headers["Allow"].split(", "))
            headers["Allow"] = ", ".join(sorted(methods))
        return problem.response(headers)
