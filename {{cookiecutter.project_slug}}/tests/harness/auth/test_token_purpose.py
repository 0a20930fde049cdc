"""Tokens of one provider for other purposes than access; test_oidc.py holds the service to the same over HTTP."""

from typing import Any

import pytest

from harness.auth.token_purpose import TokenPurpose


@pytest.mark.parametrize(
    ("header", "claims", "is_access"),
    [
        ({}, {}, True),
        ({"typ": None}, {}, True),
        ({"typ": "JWT"}, {}, True),
        ({"typ": "AT+jwt"}, {"nonce": "x"}, True),
        ({"typ": "application/at+jwt"}, {}, True),
        ({}, {"typ": "Bearer", "nonce": "x"}, True),
        ({}, {"token_use": "access"}, True),
        ({"typ": "logout+jwt"}, {}, False),
        ({"typ": "secevent+jwt"}, {}, False),
        ({"typ": "token-introspection+jwt"}, {}, False),
        ({"typ": "id_token+jwt"}, {}, False),
        ({"typ": 7}, {}, False),
        ({}, {"nonce": "x"}, False),
        ({}, {"s_hash": "x"}, False),
        ({}, {"typ": "Offline"}, False),
        ({}, {"typ": "Bearer", "token_use": "id"}, False),
        ({"typ": "at+jwt"}, {"typ": "ID"}, False),
        ({"typ": "JWT"}, {"events": {}}, False),
    ],
)
def test_what_shows_another_purpose_is_no_access_token(
    header: dict[str, Any], claims: dict[str, Any], is_access: bool
) -> None:
    assert TokenPurpose(must_be_typed=False).is_access(header, claims) == is_access
    is_typed = str(header.get("typ")).lower().endswith("at+jwt")
    assert TokenPurpose(must_be_typed=True).is_access(header, claims) == (is_access and is_typed)
