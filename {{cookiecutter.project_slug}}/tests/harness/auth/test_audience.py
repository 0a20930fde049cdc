"""Tokens as providers write them by default: the settings that the page names accept them, and no others."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from harness.settings import Settings
from tests.conftest import Door
from tests.harness.auth.test_oidc import ask
from tests.support.peers.oidc_provider import OidcProvider

COGNITO = {"aud": None, "client_id": "web", "token_use": "access", "scope": "openid", "username": "ana"}
COGNITO_ID_TOKEN = {"aud": "web", "token_use": "id"}
KEYCLOAK = {"aud": "account", "azp": "web", "typ": "Bearer", "scope": "openid email"}
KEYCLOAK_WITH_MAPPER = {**KEYCLOAK, "aud": ["our-service", "account"]}
OKTA = {"aud": "https://example.okta.com", "cid": "web", "scp": ["openid"]}
ENTRA = {"aud": "our-service", "azp": "web", "scp": "chat", "ver": "2.0"}


CASES: Sequence[tuple[str, str, Mapping[str, Any], int]] = [
    ("client_id", "web", COGNITO, 200),
    ("client_id", "app, web", COGNITO, 200),
    ("client_id", "we", COGNITO, 401),
    ("client_id", "web", {**COGNITO, "client_id": "other"}, 401),
    ("client_id", "web", {**COGNITO, "client_id": ["web"]}, 401),
    ("client_id", "web", {**COGNITO, "client_id": None}, 401),
    ("client_id", "web", COGNITO_ID_TOKEN, 401),
    ("azp", "web", KEYCLOAK, 200),
    ("azp", "web", {**KEYCLOAK, "azp": "other"}, 401),
    ("azp", "web", {**KEYCLOAK, "azp": None, "aud": "web"}, 401),
    ("cid", "web", OKTA, 200),
    ("aud", "our-service", KEYCLOAK_WITH_MAPPER, 200),
    ("aud", "our-service", ENTRA, 200),
    ("aud", "web", KEYCLOAK, 401),
    ("aud", "app, web", {"aud": "web"}, 200),
    ("aud", "app,web", {"aud": ["other", "app"]}, 200),
    ("aud", "app,web", {"aud": "app,web"}, 401),
    ("aud", "app,web", {"aud": ["other"]}, 401),
    ("aud", "web", COGNITO, 401),
]


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
async def test_a_token_counts_where_its_claim_says_so(
    door: Door, trusting: Settings, provider: OidcProvider, case: tuple[str, str, Mapping[str, Any], int]
) -> None:
    claim, audience, claims, status = case
    changed = {"oidc_audience_claim": claim, "oidc_audience": audience}
    client = await door.open(trusting.model_copy(update=changed))
    assert (await ask(client, provider.token(**claims))).status_code == status
    if status == 200:  # whatever else it says, it must be in its time
        assert (await ask(client, provider.token(**{**claims, "exp": 1}))).status_code == 401
