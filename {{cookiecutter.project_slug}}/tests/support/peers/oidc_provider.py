"""An OpenID Connect provider on loopback: its metadata, its keys, and the tokens that it signs.

    with OidcProvider() as provider:
        settings = Settings(authentication="oidc", oidc_issuer=provider.issuer, ...)
        token = provider.token(sub="ana")

A token is as good as the arguments make it; `rotate` gives the provider another key. It speaks what
the protocol (OpenID Connect Discovery 1.0, RFC 7517, RFC 7519) has between a provider and a service
that checks tokens; how people sign in is between them and the provider.
"""

import time
from collections.abc import Mapping
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from tests.support.peers.data_sources import Json
from tests.support.peers.openai_replies import Reply, Request
from tests.support.peers.openai_server import OpenAIServer

METADATA = "/.well-known/openid-configuration"
KEYS = "/keys"

AUDIENCE = "our-service"


@cache
def rsa_key(number: int) -> rsa.RSAPrivateKey:
    """A key pair, the same for the same number in one process: making one takes its time."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


class OidcProvider(OpenAIServer):
    """Signs with one key of the id `key-1`, until it rotates."""

    def __init__(self) -> None:
        super().__init__(self._route)
        self._number = 1
        self._instead: dict[str, list[Reply]] = {}

    @property
    def issuer(self) -> str:
        return self.address

    @property
    def environment(self) -> dict[str, str]:
        """The settings that make the service trust it."""
        return {"AUTHENTICATION": "oidc", "OIDC_ISSUER": self.issuer, "OIDC_AUDIENCE": AUDIENCE}

    @property
    def key_id(self) -> str:
        return f"key-{self._number}"

    @property
    def public_pem(self) -> bytes:
        """The public key as anybody can write it down."""
        public = rsa_key(self._number).public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def rotate(self) -> None:
        """Sign with another key from now on; the one before is gone."""
        self._number += 1

    def claims(self, **changes: Any) -> dict[str, Any]:
        """What a good token says; a change of None leaves a claim out."""
        now = int(time.time())
        good = {"iss": self.issuer, "aud": AUDIENCE, "sub": "ana", "iat": now, "nbf": now, "exp": now + 300}
        return {name: value for name, value in {**good, **changes}.items() if value is not None}

    def token(self, headers: Mapping[str, Any] | None = None, **changes: Any) -> str:
        """A token signed with the key of now."""
        named = {"kid": self.key_id, **(headers or {})}
        return jwt.encode(self.claims(**changes), rsa_key(self._number), "RS256", named)

    def token_of_curve(self) -> str:
        """A token signed with the provider's other key, of another kind."""
        return jwt.encode(self.claims(), ec_key(), "ES256", {"kid": "curve"})

    def answer(self, path: str, *replies: Reply) -> None:
        """Give `replies` at `path` one after the other, the last one again and again; none: as ever."""
        self._instead[path] = list(replies)

    def asked(self, path: str) -> int:
        """How often `path` was asked for."""
        return [request.path for request in self.requests].count(path)

    def keys(self) -> dict[str, Any]:
        """The document of the keys: a shared secret and a key for encryption stand in it too."""
        signing = RSAAlgorithm.to_jwk(rsa_key(self._number).public_key(), as_dict=True)
        curve = ECAlgorithm.to_jwk(ec_key().public_key(), as_dict=True)
        return {
            "keys": [
                {"kty": "oct", "kid": "shared", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"},
                {**signing, "kid": "for-encryption", "use": "enc"},
                {**signing, "kid": self.key_id, "use": "sig", "alg": "RS256"},
                {**curve, "kid": "curve"},
            ]
        }

    def _route(self, request: Request) -> Reply:
        left = self._instead.get(request.path, [])
        if left:
            return left.pop(0) if len(left) > 1 else left[0]
        match request.path:
            case path if path == METADATA:
                return Json({"issuer": self.issuer, "jwks_uri": self.address + KEYS})
            case path if path == KEYS:
                return Json(self.keys())
        return Json({"error": "not found"}, 404)
