"""The agent card: what this service offers to other agents, and how they prove who they are."""

from collections.abc import Iterator
from email.utils import formatdate
from typing import TYPE_CHECKING, Final

from a2a.server.routes import create_agent_card_routes
from a2a.types.a2a_pb2 import (
    AgentCapabilities,
    AgentCard,
    AgentInterface,
    AgentSkill,
    APIKeySecurityScheme,
    HTTPAuthSecurityScheme,
    OpenIdConnectSecurityScheme,
    SecurityRequirement,
    SecurityScheme,
    StringList,
)
from a2a.utils.constants import AGENT_CARD_WELL_KNOWN_PATH, PROTOCOL_VERSION_1_0, TransportProtocol
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive
from starlette.types import Scope as Connection
from starlette.types import Send

from ...auth.principal import Scope
from ...http.endpoint import ASGIRoute
from ...project import Project
from ...settings import Settings

if TYPE_CHECKING:
    from ...application import Application


class Card:
    """The card of this service: a skill for each agent. It changes with a start alone."""

    PATH: Final = AGENT_CARD_WELL_KNOWN_PATH
    MODES: Final = ("text/plain", "application/json")
    """What parts of a message may be: text, and the data of a decision."""
    MAX_AGE_SECONDS: Final = 300
    """How long a client need not ask again: as long as a rolling update takes; guess."""
    MOST_TAGS: Final = 10
    """Keywords of an agent that are told; guess."""

    def __init__(self, application: "Application", settings: Settings, rpc_url: str, rest_url: str) -> None:
        """Make it, for callers who reach the bindings at these addresses."""
        project = Project.load()
        language = settings.language
        bindings = {TransportProtocol.JSONRPC: rpc_url, TransportProtocol.HTTP_JSON: rest_url}
        self.card = AgentCard(
            name=project.title,
            description=project.description,
            version=project.version,
            supported_interfaces=[
                AgentInterface(url=url, protocol_binding=name.value, protocol_version=PROTOCOL_VERSION_1_0)
                for name, url in bindings.items()
            ],
            capabilities=AgentCapabilities(streaming=True, push_notifications=False, extended_agent_card=False),
            default_input_modes=self.MODES,
            default_output_modes=self.MODES,
            skills=[
                AgentSkill(
                    id=agent.name,
                    name=agent.name,
                    description=agent.description[language],
                    tags=[*agent.keywords[language]][: self.MOST_TAGS] or [agent.name],
                    examples=agent.examples[language],
                )
                for agent in application.flow.workers(application.agents)
            ],
        )
        for name, scheme, scopes in self._schemes(settings):
            self.card.security_schemes[name].CopyFrom(scheme)
            requirement = SecurityRequirement(schemes={name: StringList(list=scopes)})
            self.card.security_requirements.append(requirement)
        self._modified = formatdate(usegmt=True)

    @staticmethod
    def _schemes(settings: Settings) -> Iterator[tuple[str, SecurityScheme, list[str]]]:
        """Ways to prove who calls, one of which is enough."""
        if settings.authentication in ("keys", "both"):
            bearer = HTTPAuthSecurityScheme(scheme="Bearer", description="An API key of this service.")
            yield "bearer", SecurityScheme(http_auth_security_scheme=bearer), []
            header = APIKeySecurityScheme(location="header", name="X-API-Key", description="The same key.")
            yield "apiKey", SecurityScheme(api_key_security_scheme=header), []
        if settings.authentication in ("oidc", "both"):
            metadata = f"{(settings.oidc_issuer or '').rstrip('/')}/.well-known/openid-configuration"
            provider = OpenIdConnectSecurityScheme(open_id_connect_url=metadata)
            yield "oidc", SecurityScheme(open_id_connect_security_scheme=provider), [Scope.CHAT.value]

    def route(self) -> ASGIRoute:
        """Where everybody reads it, with its ETag."""
        cached = f"public, max-age={self.MAX_AGE_SECONDS}"
        [route] = create_agent_card_routes(self.card, cache_control=cached)
        return ASGIRoute(self.PATH, self._dated(route.app), route.methods or (), scope=None)

    def _dated(self, app: ASGIApp) -> ASGIApp:
        async def answer(scope: Connection, receive: Receive, send: Send) -> None:
            async def send_dated(message: Message) -> None:
                if message["type"] == "http.response.start":
                    MutableHeaders(scope=message)["Last-Modified"] = self._modified
                await send(message)

            await app(scope, receive, send_dated)

        return answer
