"""Tokens at the door: the service over HTTP, and a provider of identities on a real socket."""

import base64
import hashlib
import hmac
import time
from collections.abc import Callable
from typing import Any

import httpx2
import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from harness.settings import Settings
from tests.conftest import Door, Lines
from tests.support.peers.oidc_provider import KEYS, METADATA, OidcProvider, rsa_key

pytestmark = pytest.mark.checklist("COST-1")

Forge = Callable[[OidcProvider], str]


async def ask(client: httpx2.AsyncClient, token: str) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return await client.post("/v1/chat", json={"message": "Moons of Mars"}, headers=headers)


def encoded(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).rstrip(b"=").decode()


def by_hand(header: dict[str, Any], claims: dict[str, Any], secret: bytes | None = None) -> str:
    """A token that no library would make; signed with a shared secret, or not at all."""
    text = f"{encoded(header)}.{encoded(claims)}"
    if secret is None:
        return f"{text}."
    signature = hmac.digest(secret, text.encode(), hashlib.sha256)
    return f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def signed_by_another(provider: OidcProvider) -> str:
    return jwt.encode(provider.claims(), rsa_key(99), "RS256", {"kid": provider.key_id})


def with_claims_of_another(provider: OidcProvider) -> str:
    header, _, signature = provider.token().split(".")
    return f"{header}.{encoded(provider.claims(sub='somebody-else'))}.{signature}"


def later(seconds: int) -> int:
    return int(time.time()) + seconds


REFUSED: dict[str, tuple[Forge, str]] = {
    "expired": (lambda p: p.token(exp=later(-31)), "expired"),
    "of another issuer": (lambda p: p.token(iss="https://evil.example"), "another_issuer"),
    "of the issuer with a slash": (lambda p: p.token(iss=f"{p.issuer}/"), "another_issuer"),
    "for another service": (lambda p: p.token(aud="another"), "another_audience"),
    "for a service whose name begins so": (lambda p: p.token(aud="our"), "another_audience"),
    "not valid yet": (lambda p: p.token(nbf=later(90)), "not_yet_valid"),
    "issued in the future": (lambda p: p.token(iat=later(90)), "not_yet_valid"),
    "without an end": (lambda p: p.token(exp=None), "claim_missing"),
    "without an audience": (lambda p: p.token(aud=None), "claim_missing"),
    "without an issuer": (lambda p: p.token(iss=None), "claim_missing"),
    "without a subject": (lambda p: p.token(sub=None), "claim_missing"),
    "with an empty subject": (lambda p: p.token(sub=""), "claim_missing"),
    "with a subject that is a number": (lambda p: p.token(sub=7), "malformed"),
    "with an end that is no time": (lambda p: p.token(exp="soon"), "malformed"),
    "with an extension we must understand": (lambda p: p.token({"crit": ["exp2"], "exp2": 1}), "malformed"),
    "signed by another key": (signed_by_another, "signature"),
    "with claims of another": (with_claims_of_another, "signature"),
    "unsigned": (lambda p: by_hand({"alg": "none", "kid": p.key_id}, p.claims()), "algorithm"),
    "unsigned, in capitals": (lambda p: by_hand({"alg": "NONE"}, p.claims()), "algorithm"),
    "without an algorithm": (lambda p: by_hand({"kid": p.key_id}, p.claims()), "algorithm"),
    "signed with the public key as a secret": (
        lambda p: by_hand({"alg": "HS256", "kid": p.key_id}, p.claims(), p.public_pem),
        "algorithm",
    ),
    "signed with a shared secret of the provider's": (
        lambda p: by_hand({"alg": "HS256", "kid": "shared"}, p.claims(), b"secret" * 5),
        "algorithm",
    ),
    "that names a shared secret as its key": (lambda p: p.token({"kid": "shared"}), "unknown_key_id"),
    "that names a key for encryption": (lambda p: p.token({"kid": "for-encryption"}), "unknown_key_id"),
    "that names a key of another kind": (lambda p: p.token({"kid": "curve"}), "key_of_another_algorithm"),
    "of a key's kind in another algorithm": (
        lambda p: jwt.encode(p.claims(), rsa_key(1), "PS256", {"kid": p.key_id}),
        "key_of_another_algorithm",
    ),
    "of an algorithm that is not on the list": (
        lambda p: jwt.encode(p.claims(), rsa_key(1), "RS512", {"kid": p.key_id}),
        "algorithm",
    ),
    "with a key id of a file": (lambda p: p.token({"kid": "../../dev/null"}), "unknown_key_id"),
    "without a key id, of several": (lambda p: p.token({"kid": ""}), "unknown_key_id"),
    "that brings its own key": (
        lambda p: jwt.encode(
            p.claims(), rsa_key(99), "RS256", {"jwk": {"kty": "RSA"}, "jku": p.issuer, "kid": p.key_id}
        ),
        "signature",
    ),
    "that tells of a log-out": (lambda p: p.token({"typ": "logout+jwt"}), "no_access_token"),
    "that tells of a log-out without saying so": (
        lambda p: p.token(events={"http://schemas.openid.net/event/backchannel-logout": {}}),
        "no_access_token",
    ),
    "of another purpose": (lambda p: p.token({"typ": "application/dpop+jwt"}), "no_access_token"),
    "of a purpose that is no text": (lambda p: p.token({"typ": ["at+jwt"]}), "no_access_token"),
    "that tells who signed in": (lambda p: p.token(nonce="n-0S6_WzA2Mj"), "no_access_token"),
    "that tells who signed in, with a hash": (
        lambda p: p.token({"typ": None}, at_hash="77QmUPtjPf"),
        "no_access_token",
    ),
    "that tells who signed in, by its provider's mark": (lambda p: p.token(typ="ID"), "no_access_token"),
    "that renews others, by its provider's mark": (lambda p: p.token(typ="Refresh"), "no_access_token"),
    "of another use": (lambda p: p.token(token_use="id"), "no_access_token"),
    "that is no token": (lambda _: "no-token", "malformed"),
    "that is too long": (lambda _: "a" * 20_000, "too_long"),
}


@pytest.mark.parametrize("kind", REFUSED)
async def test_a_token_is_refused(
    door: Door, trusting: Settings, provider: OidcProvider, lines: Lines, kind: str
) -> None:
    client = await door.open(trusting)
    forge, reason = REFUSED[kind]
    token = forge(provider)
    refused = await ask(client, token)
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    body = refused.json()
    assert body["type"] == "urn:problem:unauthenticated"
    assert body["detail"] == "Send a valid API key or access token."  # the same for every reason
    assert [line["reason"] for line in lines.named("caller_refused")] == [reason]
    assert token not in lines.text
    assert (await ask(client, provider.token())).status_code == 200


async def test_good_tokens_of_every_kind_of_key_are_accepted_until_they_end(
    door: Door, trusting: Settings, provider: OidcProvider
) -> None:
    client = await door.open(trusting)
    good = [
        provider.token(),
        provider.token_of_curve(),
        provider.token(aud=["another", "our-service"]),
        provider.token(exp=later(-20), nbf=None, iat=None),  # within the leeway
        provider.token({"typ": "at+jwt"}, nonce="n-0S6_WzA2Mj"),
        provider.token({"typ": "application/AT+JWT"}),
        provider.token({"typ": None}),
        provider.token(typ="Bearer", nonce="n-0S6_WzA2Mj"),  # Keycloak 24
        provider.token(token_use="access"),
    ]
    assert [(await ask(client, token)).status_code for token in good] == [200] * len(good)
    assert provider.asked(KEYS) == provider.asked(METADATA) == 1


async def test_only_tokens_that_say_their_purpose_are_accepted_where_the_setting_asks_for_it(
    door: Door, trusting: Settings, provider: OidcProvider
) -> None:
    client = await door.open(trusting.model_copy(update={"oidc_require_at_jwt": True}))
    tokens = [provider.token({"typ": "at+jwt"}), provider.token(), provider.token(typ="Bearer")]
    assert [(await ask(client, token)).status_code for token in tokens] == [200, 401, 401]


async def test_the_keys_of_the_provider_are_followed_when_they_change(
    door: Door, trusting: Settings, provider: OidcProvider
) -> None:
    client = await door.open(trusting)
    old = provider.token()
    assert (await ask(client, old)).status_code == 200
    provider.rotate()
    assert (await ask(client, provider.token())).status_code == 200
    assert (await ask(client, old)).status_code == 401
    assert provider.asked(KEYS) == 2


VERIFIED: list[tuple[str, dict[str, Any], int]] = [
    ("none", {}, 200),
    ("email", {}, 403),
    ("email", {"email_verified": True}, 200),
    ("email", {"email_verified": "true"}, 200),
    ("email", {"email_verified": False}, 403),
    ("email", {"email_verified": 1}, 403),
    ("email", {"email": "ana@example.com", "phone_number_verified": True}, 403),
    ("phone", {"phone_number_verified": True}, 200),
    ("phone", {"email_verified": True}, 403),
    ("any", {"phone_number_verified": True}, 200),
    ("any", {"email_verified": True}, 200),
    ("any", {"email_verified": "no"}, 403),
]


@pytest.mark.parametrize("case", VERIFIED, ids=str)
async def test_an_account_must_be_verified_where_the_setting_asks_for_it(
    door: Door, trusting: Settings, provider: OidcProvider, case: tuple[str, dict[str, Any], int]
) -> None:
    required, claims, status = case
    client = await door.open(trusting.model_copy(update={"oidc_require_verified": required}))
    answer = await ask(client, provider.token(**claims))
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["type"] == "urn:problem:account-unverified"


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"scope": "openid chat"}, 200),
        ({"scp": ["chat"]}, 200),
        ({"scope": "openid threads"}, 403),
        ({"scope": "chats"}, 403),
        ({"scope": {"chat": True}}, 403),
        ({"scp": [["chat"], 7]}, 403),
        ({}, 403),
    ],
)
async def test_the_scopes_are_the_tokens_own_where_the_setting_says_so(
    door: Door, trusting: Settings, provider: OidcProvider, claims: dict[str, Any], status: int
) -> None:
    client = await door.open(trusting.model_copy(update={"oidc_scopes": "token"}))
    answer = await ask(client, provider.token(**claims))
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["type"] == "urn:problem:scope-missing"
        assert answer.headers["WWW-Authenticate"].endswith('scope="chat"')


async def test_an_account_keeps_its_threads_whatever_its_address(
    door: Door, trusting: Settings, provider: OidcProvider
) -> None:
    client = await door.open(trusting)
    tokens = [
        provider.token(sub="ana", email="ana@example.com"),
        provider.token(sub="ana", email="new@example.com"),
        provider.token(sub="eve", email="ana@example.com"),
    ]
    body = {"message": "Moons of Mars", "thread_id": "t1"}
    ana, renamed, eve = ({"Authorization": f"Bearer {token}"} for token in tokens)
    await client.post("/v1/chat", json=body, headers=ana)
    found = [await client.get("/v1/threads/t1", headers=who) for who in (ana, renamed, eve)]
    assert [answer.status_code for answer in found] == [200, 200, 404]


async def test_a_short_rsa_key_is_refused(
    door: Door, trusting: Settings, provider: OidcProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    monkeypatch.setattr("tests.support.peers.oidc_provider.rsa_key", lambda _: short)
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        token = provider.token()
    client = await door.open(trusting)
    assert (await ask(client, token)).status_code == 401
