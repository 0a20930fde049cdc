"""A provider of identities, and the settings that make the service trust it."""

from collections.abc import Iterator
from typing import Any

import pytest

from harness.settings import Settings
from tests.support.peers.oidc_provider import AUDIENCE, OidcProvider


@pytest.fixture
def provider() -> Iterator[OidcProvider]:
    with OidcProvider() as provider:
        yield provider


@pytest.fixture
def trusting(provider: OidcProvider) -> Settings:
    """Settings that accept the provider's tokens."""
    values: dict[str, Any] = {
        "database_url": "memory://",
        "authentication": "oidc",
        "oidc_issuer": provider.issuer,
        "oidc_audience": AUDIENCE,
        "oidc_timeout_seconds": 10,
    }
    return Settings(**values)
