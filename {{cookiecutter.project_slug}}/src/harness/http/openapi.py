"""The OpenAPI document: problem documents on every route, examples in the service's language."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts

from ..prompts.language import Language, Translations
from ..runtime.replies import Reply
from ..settings import Settings
from .authentication import AuthenticationMiddleware, RequiredScope
from .problems import Problem

if TYPE_CHECKING:
    from ..application import Application
    from ..runtime.agent import Agent


class OpenAPIDocument:
    """The document of one application, made when first asked for."""

    SCOPE: Final = "x-required-scope"
    """Where an operation names its scope: OpenAPI itself has scopes for OAuth flows only."""

    SENT: Final = {"keys": "An API key", "oidc": "An access token", "both": "An API key or access token"}

    def __init__(
        self, app: FastAPI, settings: Settings, application: "Application", public_paths: Iterable[str] = ()
    ) -> None:
        """Describe `app`, made of `application` and of endpoints with `public_paths`."""
        self._app = app
        self._settings = settings
        self._agents = application.agents
        self._open = {*application.open_paths, *public_paths, *AuthenticationMiddleware.PROBES}

    def build(self) -> dict[str, Any]:
        """The document."""
        app = self._app
        document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        schemas = document["components"]["schemas"]
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= problem.pop("$defs") | {Problem.__name__: problem}
        self._describe_callers(document)
        message = schemas["ChatRequest"]["properties"]["message"]
        message["maxLength"] = self._settings.message_max_chars
        if self._agents:
            language = self._settings.language
            two_tasks = " ".join(self._question(agent, language) for agent in self._agents[:2])
            schemas["ChatRequest"]["example"] = {"message": two_tasks}
            schemas[Reply.__name__]["example"] = self._reply(language)
        return document

    def _describe_callers(self, document: dict[str, Any]) -> None:
        """Add the ways to identify oneself, each enough for every route, and the routes' scopes."""
        schemes: dict[str, Any] = {}
        mode = self._settings.authentication
        if mode != "off":
            about = f"{self.SENT[mode]} of this service."
            schemes["bearer"] = {"type": "http", "scheme": "bearer", "description": about}
        if mode in ("keys", "both"):
            schemes["apiKey"] = {"type": "apiKey", "in": "header", "name": "X-API-Key"}
        if schemes:
            document["components"]["securitySchemes"] = schemes
        for route in iter_route_contexts(self._app.routes):
            item = document["paths"].get(route.path_format, {})
            methods = {it.lower() for it in route.methods or ()}
            for operation in (item[it] for it in methods & item.keys()):
                for it in RequiredScope.of_route(route.dependant):
                    operation[self.SCOPE] = it.scope.value
                if schemes and route.path not in self._open:
                    operation["security"] = [{name: []} for name in schemes]
                    refusals = {str(it): problem for it, problem in Problem.responses(401, 403, 429).items()}
                    operation["responses"] |= refusals | operation["responses"]

    @staticmethod
    def _question(agent: "type[Agent[Any]]", language: Language) -> str:
        """One that the agent answers: its first example, or what it says of itself."""
        return str(next(iter(agent.examples[language]), agent.description[language]))

    def _reply(self, language: Language) -> dict[str, Any]:
        first = self._agents[0]
        return Reply(
            answer=Translations.pick(first.description, language),
            language=language,
            agents=[{"name": first.name, "question": self._question(first, language), "status": "answered"}],
            sources=[{"title": first.name, "url": f"file:{first.name}"}],
            degraded=False,
            degraded_because=[],
            notices=[],
            usage={"model_calls": 2, "input_tokens": 412, "output_tokens": 58},
            thread_id="trip-to-bogota",
            run_id="01912d68-783e-7a03-8467-5661c1243ad4",
        ).model_dump()
