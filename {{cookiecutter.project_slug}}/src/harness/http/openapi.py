"""The OpenAPI document: problem documents on every route, examples in the service's language."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from ..runtime.agent import Agent
from ..runtime.replies import Reply
from ..settings import Settings
from .authentication import CallerDocs
from .problems import MEDIA_TYPE, Problem

Responses = dict[int | str, dict[str, Any]]


class ProblemDocs:
    """How a route declares the failures that it can answer with."""

    MEANING: Final[Mapping[int, str]] = {
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
        schema = {"$ref": f"#/components/schemas/{Problem.__name__}"}
        return {
            status: {
                "description": cls.MEANING[status],
                "content": {MEDIA_TYPE: {"schema": schema, "example": cls._example(status)}},
            }
            for status in statuses
        }

    @classmethod
    def _example(cls, status: int) -> dict[str, Any]:
        return Problem(
            type="about:blank",
            title=HTTPStatus(status).phrase,
            status=status,
            detail=cls.MEANING[status],
            instance="5f0c3f0f7a1e4f6e9f5f0d3c8b7a6e1d",
        ).model_dump(exclude_none=True)


class OpenAPIDocument:
    """The document of one application, made when first asked for."""

    def __init__(
        self, app: FastAPI, settings: Settings, agents: Sequence[type[Agent[Any]]]
    ) -> None:
        self._app = app
        self._settings = settings
        self._agents = agents

    def build(self) -> dict[str, Any]:
        """The document; the same object every time."""
        if self._app.openapi_schema is None:
            self._app.openapi_schema = self._build()
        return self._app.openapi_schema

    def _build(self) -> dict[str, Any]:
        app = self._app
        document = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
        )
        schemas = document["components"]["schemas"]
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= problem.pop("$defs") | {Problem.__name__: problem}
        CallerDocs.describe(document, self._settings)
        schemas["ChatRequest"]["properties"]["message"][
            "maxLength"
        ] = self._settings.message_max_chars
        if self._agents:
            schemas["ChatRequest"]["example"] = {"message": self._question()}
            schemas[Reply.__name__]["example"] = self._reply()
        return document

    def _question(self) -> str:
        """The first example of the first two agents: a message of two tasks."""
        language = self._settings.language
        return " ".join(agent.examples[language][0] for agent in self._agents[:2])

    def _reply(self) -> dict[str, Any]:
        language = self._settings.language
        first = self._agents[0]
        return Reply(
            answer=first.description[language],
            language=language,
            agents=[
                {"name": first.name, "question": first.examples[language][0], "status": "answered"}
            ],
            sources=[{"title": first.name, "url": f"file:{first.name}"}],
            degraded=False,
            degraded_because=[],
            notices=[],
            usage={"model_calls": 2, "input_tokens": 412, "output_tokens": 58},
            thread_id="trip-to-bogota",
            run_id="01912d68-783e-7a03-8467-5661c1243ad4",
        ).model_dump()
