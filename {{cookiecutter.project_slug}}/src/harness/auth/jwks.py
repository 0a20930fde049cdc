"""The keys that an OIDC provider signs with: found by discovery, cached, and fetched anew as they change."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from time import monotonic
from types import MappingProxyType
from typing import Any, Final, TypeVar

import httpx2
import structlog
from jwt import PyJWK
from jwt.exceptions import PyJWKError, PyJWTError
from pydantic import BaseModel, ValidationError

from ..errors import IdentityUnavailable, Unauthenticated
from ..settings import Settings
from ..telemetry.metrics import FAILURES

log = structlog.stdlib.get_logger(__name__)

ModelT = TypeVar("ModelT", bound=BaseModel)


class Discovery(BaseModel):
    """What we read of a provider's metadata (OpenID Connect Discovery 1.0, section 3)."""

    issuer: str
    jwks_uri: str


class KeySet(BaseModel):
    """The provider's keys (RFC 7517, section 5), each still as it came."""

    keys: list[dict[str, Any]]


class ProviderClient:
    """Reads the provider's two documents, bounded in time and size; follows no redirect."""

    DISCOVERY: Final = "/.well-known/openid-configuration"

    MAX_BYTES: Final = 1_000_000
    """Largest document, bytes; those of the big providers have 1 to 20 kB."""

    def __init__(self, settings: Settings) -> None:
        self._issuer = settings.oidc_issuer or ""
        self._seconds = settings.oidc_timeout_seconds
        self._client = httpx2.AsyncClient(timeout=None, follow_redirects=False)

    async def keys(self) -> KeySet:
        """The keys as they are now.

        Raises:
            IdentityUnavailable: The provider is away, or sends something else.
        """
        try:
            async with asyncio.timeout(self._seconds):
                place = self._issuer.rstrip("/") + self.DISCOVERY
                metadata = await self._read(place, Discovery)
                if metadata.issuer != self._issuer:  # section 4.3: or anyone could stand in for it
                    raise IdentityUnavailable("its metadata name another issuer than OIDC_ISSUER")
                if self._issuer.startswith("https:") and not metadata.jwks_uri.startswith("https:"):
                    raise IdentityUnavailable("its jwks_uri is not https")
                return await self._read(metadata.jwks_uri, KeySet)
        except TimeoutError:
            raise IdentityUnavailable(f"no answer in {self._seconds:g} s") from None
        except (httpx2.TransportError, httpx2.InvalidURL) as error:
            raise IdentityUnavailable(type(error).__name__) from error

    async def _read(self, url: str, model: type[ModelT]) -> ModelT:
        # Uncompressed, so that what is counted is what is kept.
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

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


class ProviderKeys:
    """The provider's keys as long as they may be used.

    Fetched with the first token, anew in the background after half of OIDC_KEYS_TTL_SECONDS, and
    at once for a key that is not known, at most every OIDC_COOLDOWN_SECONDS. While the provider
    is away the known keys go on until their time is over.
    """

    KINDS: Final = MappingProxyType({"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"})
    """Beginning of an algorithm -> the kind of its keys; a shared secret (`oct`) is none of them."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = monotonic) -> None:
        """Fetch nothing yet; count seconds by `clock`."""
        self._client = ProviderClient(settings)
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
            IdentityUnavailable: It cannot be asked, and what is known of it is too old.
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
            with suppress(IdentityUnavailable):  # logged, and told by `problem`
                await self._fetch()
            return key_id in self._keys

    async def _refresh(self) -> None:
        try:
            with suppress(IdentityUnavailable):  # logged; the known keys go on
                async with self._fetching:
                    if self._age() >= self._ttl_seconds / 2:
                        await self._fetch()
        finally:
            self.refreshing = None

    async def _fetch(self) -> None:
        try:
            keys = self._usable(await self._client.keys())
        except IdentityUnavailable as failure:
            self.problem = failure.reason
            self._be_quiet()
            FAILURES.labels("auth", "oidc_provider").inc()
            log.warning("oidc_keys_not_fetched", reason=failure.reason)
            raise
        self._keys, self._built, self.problem = keys, {}, None
        self._fetched_at = self._clock()
        log.info("oidc_keys_fetched", key_ids=len(keys))

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
