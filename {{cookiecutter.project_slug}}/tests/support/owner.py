"""What an owner may add to the service: routes, settings, a counter."""

from collections.abc import Callable
from typing import Annotated, Any, ClassVar

import pytest
from fastapi import APIRouter, Request
from prometheus_client import Counter
from pydantic import SecretStr

from harness import REGISTRY, Principal, Settings, requires
from harness.auth.api_key import NewKey
from harness.auth.principal import Scope

ANA = NewKey.make("ana", [Scope.CHAT], None)
KEY = {"X-API-Key": ANA.text}
QUESTION = {"message": "How many moons has Mars?"}
COUNTED = Counter("owner_looked_up", "Customers that were looked up.", registry=REGISTRY)


def greeting(name: str) -> str:
    """A plain function of the owner's."""
    return f"Hello {name}"


def customers() -> APIRouter:
    """An owner's own routes."""
    router = APIRouter()

    @router.get("/v1/customers/{name}")
    def customer(name: str) -> str:
        COUNTED.inc()
        return greeting(name)

    @router.post("/v1/customers", responses={})
    async def create(body: dict[str, str], caller: Annotated[Principal, requires("chat")]) -> str:
        return caller.log_id

    @router.delete("/v1/customers", dependencies=[requires("approve")])
    async def purge() -> None:
        pytest.fail("let in")

    @router.get("/status")
    async def status(request: Request) -> dict[str, Any]:
        return {"service": request.state.settings.customer_title, "opened": getattr(request.state, "opened", None)}

    @router.get("/forgotten")
    async def forgotten(caller: Annotated[Principal, requires("chat")]) -> None:
        pytest.fail("let in")

    return router


class OwnSettings(Settings):
    """Settings of the owner's."""

    title: ClassVar = "This service"

    customer_title: str = "none"
    """What customers are called."""
    customer_key: SecretStr | None = None
    """Key of the customers' file."""


Opens = Callable[..., Any]
