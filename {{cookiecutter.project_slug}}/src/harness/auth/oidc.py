"""Access tokens of an OIDC provider: JSON Web Tokens that it has signed for this service.

Held to RFC 8725 (best practices): the algorithm is on our list and fits the kind of the key, the
key is one of the provider's own, issuer and audience are ours, the token is in its time, and it was
issued for access, not to tell a client who signed in, or out. Where a token says to look elsewhere for its key (`jku`, `x5u`, `jwk`), nobody looks.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from time import monotonic
from types import MappingProxyType
from typing import Any, Final, TypeVar

import httpx2
import jwt
import structlog
from jwt import PyJWK, PyJWTError
from jwt.exceptions import PyJWKError
from pydantic import BaseModel, ValidationError

from ..errors import AccountUnverified, IdentityUnavailable, Unauthenticated
from ..settings import Settings
from ..settings.network import OutgoingNetwork
from ..telemetry.metrics import FAILURES
from .audience import Audience
from .principal import Principal, Scope
from .token_purpose import TokenPurpose

log = structlog.stdlib.get_logger(__name__)

ModelT = TypeVar("ModelT", bound=BaseModel)


class Discovery(BaseModel):
    """What we read of a provider's metadata (OpenID Connect Discovery 1.0, section 3)."""

    issuer: str
    jwks_uri: str


class KeySet(BaseModel):
    """The provider's keys (RFC 7517, section 5), each still as it came."""

    keys: list[dict[str, Any]]


class ProviderKeys:
    """The provider's keys as long as they may be used. Follows no redirect.

    Fetched with the first token, anew in the background after half of OIDC_KEYS_TTL_SECONDS, and
    at once for an unknown key, at most every OIDC_COOLDOWN_SECONDS. While the provider is away the
    keys of before go on until their time is over.
    """

    DISCOVERY: Final = "/.well-known/openid-configuration"

    MAX_BYTES: Final = 1_000_000
    """Largest document, bytes; those of the big providers have 1 to 20 kB."""

    KINDS: Final = MappingProxyType({"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"})
    """Beginning of an algorithm -> the kind of its keys; a shared secret (`oct`) is none of them."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = monotonic) -> None:
        """Fetch nothing yet; count seconds by `clock`."""
        self._issuer = settings.oidc_issuer or ""
        self._timeout = settings.oidc_timeout_seconds
        OutgoingNetwork.check()
        self._client = httpx2.AsyncClient(timeout=None, follow_redirects=False)
        self._ttl_seconds = settings.oidc_keys_ttl_seconds
        self._cooldown_seconds = settings.oidc_cooldown_seconds
        self._clock = clock
        self._keys: Mapping[str | None, Mapping[str, Any]] = {}
        self._built: dict[tuple[str | None, str], PyJWK] = {}
        self._fetched_at: float | None = None
        self._quiet_until = 0.0
        self._fetching = asyncio.Lock()
        self.refreshing: asyncio.Task[None] | None = None
        """The fetch in the background, while there is one."""
        self.problem: str | None = None
        """Why the last fetch failed; None when it did not."""

    async def find(self, key_id: str | None, algorithm: str) -> PyJWK:
        """The key of this id for this algorithm; without an id the only one there is.

        Raises:
            Unauthenticated: The provider has none.
            IdentityUnavailable: It cannot be asked, and the keys of before are too old.
        """
        await self._have_keys()
        if key_id not in self._keys and not await self._look_again(key_id):
            if self.problem:  # it may have one by now
                raise IdentityUnavailable(self.problem)
            raise Unauthenticated("unknown_key_id")
        if (key_id, algorithm) not in self._built:
            self._built[key_id, algorithm] = self._build(self._keys[key_id], algorithm)
        return self._built[key_id, algorithm]

    def _build(self, data: Mapping[str, Any], algorithm: str) -> PyJWK:
        if data["kty"] != self.KINDS.get(algorithm[:2]) or data.get("alg", algorithm) != algorithm:
            raise Unauthenticated("key_of_another_algorithm")
        try:
            return PyJWK(dict(data), algorithm)
        except (PyJWKError, PyJWTError):
            raise Unauthenticated("unusable_key") from None

    async def _have_keys(self) -> None:
        age = self._age()
        if age < self._ttl_seconds / 2:
            return
        if age < self._ttl_seconds:
            if self.refreshing is None and self._clock() >= self._quiet_until:
                self.refreshing = asyncio.create_task(self._refresh())
            return
        async with self._fetching:
            if self._age() >= self._ttl_seconds:
                if self.problem and self._clock() < self._quiet_until:
                    raise IdentityUnavailable(self.problem)
                await self._fetch()

    def _age(self) -> float:
        return float("inf") if self._fetched_at is None else self._clock() - self._fetched_at

    async def _look_again(self, key_id: str | None) -> bool:
        """Fetch the keys once more, unless that was just done; true when `key_id` is there now."""
        async with self._fetching:
            if key_id in self._keys:
                return True
            if self._clock() < self._quiet_until:
                return False
            self._be_quiet()
            with suppress(IdentityUnavailable):  # logged, and in `problem`
                await self._fetch()
            return key_id in self._keys

    async def _refresh(self) -> None:
        try:
            with suppress(IdentityUnavailable):  # logged; the keys of before go on
                async with self._fetching:
                    if self._age() >= self._ttl_seconds / 2:
                        await self._fetch()
        finally:
            self.refreshing = None

    async def _fetch(self) -> None:
        try:
            keys = self._usable(await self._download())
        except IdentityUnavailable as failure:
            self.problem = failure.reason
            self._be_quiet()
            FAILURES.labels("auth", "oidc_provider").inc()
            log.warning("oidc_keys_not_fetched", reason=failure.reason)
            raise
        self._keys, self._built, self.problem = keys, {}, None
        self._fetched_at = self._clock()
        log.info("oidc_keys_fetched", key_ids=len(keys))

    async def _download(self) -> KeySet:
        try:
            async with asyncio.timeout(self._timeout):
                address = self._issuer.rstrip("/") + self.DISCOVERY
                metadata = await self._read(address, Discovery)
                if metadata.issuer != self._issuer:  # section 4.3: or anyone could stand in for it
                    raise IdentityUnavailable("its metadata name another issuer than OIDC_ISSUER")
                if self._issuer.startswith("https:") and not metadata.jwks_uri.startswith("https:"):
                    raise IdentityUnavailable("its jwks_uri is not https")
                return await self._read(metadata.jwks_uri, KeySet)
        except TimeoutError:
            raise IdentityUnavailable(f"no answer in {self._timeout:g} s") from None
        except (httpx2.TransportError, httpx2.InvalidURL) as error:
            raise IdentityUnavailable(type(error).__name__) from error

    async def _read(self, url: str, model: type[ModelT]) -> ModelT:
        # Uncompressed, so that what is counted is what is stored.
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        body = bytearray()
        async with self._client.stream("GET", url, headers=headers) as answer:
            if answer.status_code != httpx2.codes.OK:
                raise IdentityUnavailable(f"HTTP {answer.status_code}")
            async for piece in answer.aiter_raw():
                body += piece
                if len(body) > self.MAX_BYTES:
                    raise IdentityUnavailable(f"more than {self.MAX_BYTES} bytes")
        try:
            return model.model_validate_json(bytes(body))
        except ValidationError:
            raise IdentityUnavailable(f"no {model.__name__} document") from None

    def _be_quiet(self) -> None:
        self._quiet_until = self._clock() + self._cooldown_seconds

    @classmethod
    def _usable(cls, document: KeySet) -> Mapping[str | None, Mapping[str, Any]]:
        kinds = set(cls.KINDS.values())
        keys: dict[str | None, Mapping[str, Any]] = {}
        for key in document.keys:
            if key.get("kty") in kinds and key.get("use", "sig") == "sig":
                key_id = key.get("kid")
                keys.setdefault(key_id if isinstance(key_id, str) else None, key)
        only = list(keys.values())
        if not only:
            raise IdentityUnavailable("it has no key for signatures")
        if len(only) == 1:  # RFC 7515 lets a token leave out the id
            keys.setdefault(None, only[0])
        return keys

    async def aclose(self) -> None:
        """Stop fetching and close the connections."""
        if self.refreshing is not None:
            self.refreshing.cancel()
            await asyncio.wait([self.refreshing])
        await self._client.aclose()


class OidcTokens:
    """The tokens of the provider that OIDC_ISSUER names."""

    VERIFIED: Final = MappingProxyType(
        {
            "email": ("e-mail address", ("email_verified",)),
            "phone": ("phone number", ("phone_number_verified",)),
            "any": ("e-mail address or phone number", ("email_verified", "phone_number_verified")),
        }
    )
    """OIDC_REQUIRE_VERIFIED -> what must be verified, and the claims of which one must be true."""

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
        self.audience = Audience(settings)
        self._algorithms = settings.oidc_algorithms.split(",")
        self._leeway_seconds = settings.oidc_leeway_seconds
        self._purpose = TokenPurpose(must_be_typed=settings.oidc_require_at_jwt)
        self._verified = self.VERIFIED.get(settings.oidc_require_verified)
        scopes = settings.oidc_scopes
        self._scopes = None if scopes == "token" else Scope.parse(scopes.split(","))

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
        if self._verified:
            what, names = self._verified
            # Some providers send the word.
            if not any(claims.get(name) is True or claims.get(name) == "true" for name in names):
                raise AccountUnverified(what)
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
                self.audience.options(),
                audience=self.audience.names,
                issuer=self._issuer,
                leeway=self._leeway_seconds,
            )
        except PyJWTError as error:
            reasons = (reason for kind, reason in self.REASONS if isinstance(error, kind))
            raise Unauthenticated(next(reasons, "malformed")) from None
        self.audience.check(claims)
        if not self._purpose.is_access(header, claims):
            raise Unauthenticated("no_access_token")
        return claims

    def _granted(self, claims: Mapping[str, Any]) -> frozenset[Scope]:
        if self._scopes is not None:
            return self._scopes
        scope = claims.get("scope", claims.get("scp", ""))  # RFC 8693; `scp`: Entra ID and Okta
        names = scope.split() if isinstance(scope, str) else scope
        is_list = isinstance(names, list)
        return Scope.parse(it for it in (names if is_list else ()) if isinstance(it, str))
