"""Access tokens of an OIDC provider: JSON Web Tokens that it has signed for this service.

Held to RFC 8725 (best practices): the algorithm is on our list and fits the kind of the key, the
key is one of the provider's own, issuer and audience are ours, and the token is in its time. Where
a token says to look elsewhere for its key (`jku`, `x5u`, `jwk`), nobody looks.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import jwt
from jwt import PyJWTError

from ..errors import AccountUnverified, Unauthenticated
from ..settings import Settings
from .jwks import ProviderKeys
from .principal import Principal, Scope


class OidcTokens:
    """The tokens of the provider that OIDC_ISSUER names."""

    REQUIRED: Final = ("iss", "sub", "aud", "exp")
    """Claims without which a token is none of ours: RFC 9068 and OpenID Connect want them all."""

    VERIFIED: Final = MappingProxyType(
        {
            "none": (),
            "email": ("email_verified",),
            "phone": ("phone_number_verified",),
            "any": ("email_verified", "phone_number_verified"),
        }
    )
    """OIDC_REQUIRE_VERIFIED -> the claims of which one must be true."""

    WANTED: Final = MappingProxyType(
        {
            "email": "e-mail address",
            "phone": "phone number",
            "any": "e-mail address or phone number",
        }
    )

    REASONS: Final[Sequence[tuple[type[PyJWTError], str]]] = (
        (jwt.ExpiredSignatureError, "expired"),
        (jwt.ImmatureSignatureError, "not_yet_valid"),
        (jwt.InvalidAudienceError, "another_audience"),
        (jwt.InvalidIssuerError, "another_issuer"),
        (jwt.MissingRequiredClaimError, "claim_missing"),
        (jwt.InvalidSignatureError, "signature"),
        (jwt.InvalidAlgorithmError, "algorithm"),
    )
    """The first that fits is what the log and the metrics call it; any other is `malformed`."""

    def __init__(self, settings: Settings, keys: ProviderKeys) -> None:
        self._keys = keys
        self._issuer = settings.oidc_issuer or ""
        self._audience = settings.oidc_audience or ""
        self._algorithms = settings.oidc_algorithms.split(",")
        self._leeway_seconds = settings.oidc_leeway_seconds
        self._required = settings.oidc_require_verified
        self._scopes = (
            None
            if settings.oidc_scopes == "token"
            else Scope.parse(settings.oidc_scopes.split(","))
        )

    async def principal(self, token: str) -> Principal:
        """Whose token it is.

        Raises:
            Unauthenticated: It does not count, for whatever reason.
            AccountUnverified: It does, but its account has no verified address.
            IdentityUnavailable: The provider's keys cannot be had.
        """
        claims = await self._claims(token)
        subject = claims["sub"]
        if not subject:
            raise Unauthenticated("claim_missing")
        wanted = self.VERIFIED[self._required]
        if wanted and not any(self._is_true(claims.get(name)) for name in wanted):
            raise AccountUnverified(self.WANTED[self._required])
        return Principal.from_account(self._issuer, subject, self._granted(claims))

    async def _claims(self, token: str) -> Mapping[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            algorithm = header.get("alg")
            if algorithm not in self._algorithms:
                raise Unauthenticated("algorithm")
            key = await self._keys.find(header.get("kid"), algorithm)
            claims: Mapping[str, Any] = jwt.decode(
                token,
                key,
                self._algorithms,
                {"require": list(self.REQUIRED), "enforce_minimum_key_length": True},
                audience=self._audience,
                issuer=self._issuer,
                leeway=self._leeway_seconds,
            )
        except PyJWTError as error:
            reasons = (reason for kind, reason in self.REASONS if isinstance(error, kind))
            raise Unauthenticated(next(reasons, "malformed")) from None
        return claims

    def _granted(self, claims: Mapping[str, Any]) -> frozenset[Scope]:
        if self._scopes is not None:
            return self._scopes
        granted = claims.get("scope", claims.get("scp", ""))  # RFC 8693; `scp`: Entra ID and Okta
        names = granted.split() if isinstance(granted, str) else granted
        return Scope.parse(filter(self._is_text, names if isinstance(names, list) else ()))

    @staticmethod
    def _is_text(value: object) -> bool:
        return isinstance(value, str)

    @staticmethod
    def _is_true(claim: object) -> bool:
        return claim is True or claim == "true"  # some providers send the word
