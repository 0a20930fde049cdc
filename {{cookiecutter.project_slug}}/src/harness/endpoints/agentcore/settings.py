"""What the endpoint for AgentCore Runtime can be told."""

from typing import Final

from pydantic import Field

from ...auth.principal import Scope
from ...configuration import Configuration
from ...settings.callers import SCOPE

USER_HEADER: Final = r"(?i:^X-Amzn-Bedrock-AgentCore-Runtime-(?:User-Id|Custom-[A-Za-z0-9-]+)$)"


class AgentCoreSettings(Configuration):
    """Those of `/invocations`."""

    agentcore_user_header: str | None = Field(default=None, pattern=USER_HEADER)
    """Header that names the caller at `/invocations`, `X-Amzn-Bedrock-AgentCore-Runtime-User-Id` or one of
    `X-Amzn-Bedrock-AgentCore-Runtime-Custom-...`: whoever may invoke the runtime says who it is, so set it only where
    nothing but AgentCore reaches this process. Empty: AUTHENTICATION says who calls, as everywhere."""

    agentcore_scopes: str = Field(default="chat,threads", pattern=rf"^{SCOPE}(?:,{SCOPE})*$")
    """Scopes of every caller whom that header names, of `chat`, `threads`, `approve`, `metrics`. With `approve`
    whoever may ask for somebody may also decide for them."""

    @property
    def scopes(self) -> frozenset[Scope]:
        """AGENTCORE_SCOPES, each."""
        return Scope.parse(self.agentcore_scopes.split(","))


SETTINGS = AgentCoreSettings
