"""Who calls, as the SDK hands it from a request to the handler."""

from dataclasses import dataclass
from typing import ClassVar, Self

from a2a.server.context import ServerCallContext

from ...auth.principal import Principal
from ...http.gateway import Gateway
from ...http.shutdown import ShutdownManager


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller of one request, and the way to their conversations."""

    KEY: ClassVar = "caller"
    """Where it is in the SDK's context."""

    principal: Principal
    gateway: Gateway
    request_id: str
    idempotency_key: str | None
    shutdown: ShutdownManager

    @classmethod
    def of(cls, context: ServerCallContext) -> Self:
        """That of the request."""
        caller: Self = context.state[cls.KEY]
        return caller
