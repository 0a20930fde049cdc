"""Authenticates a request by API key or OIDC token; a refusal helps nobody guess."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, Literal

import structlog

from ..errors import AccountUnverified, IdentityUnavailable, Unauthenticated
from ..settings import Settings
from ..telemetry.metrics import CALLERS_REFUSED
from .api_key import PREFIX, ApiKeys
from .principal import Principal

if TYPE_CHECKING:
    from .oidc import OidcTokens, ProviderKeys

log = structlog.stdlib.get_logger(__name__)

TOKEN_MAX_CHARS: Final = 16_384
"""Longest credential that is looked at, characters: a token with many claims has 4,000; a guess."""


class Authenticator:
    """Knows the callers of this process as AUTHENTICATION says."""

    def __init__(self, settings: Settings) -> None:
        """Read the keys; the provider is asked with the first token.

        Raises:
            ConfigurationError: The file of keys cannot be read.
        """
        self.mode: Literal["off", "keys", "oidc", "both"] = settings.authentication
        self.keys: ApiKeys | None = None
        if self.mode in ("keys", "both") and settings.api_keys_file is not None:
            self.keys = ApiKeys(settings.api_keys_file)
        self.provider: ProviderKeys | None = None
        self._tokens: OidcTokens | None = None
        if self.mode in ("oidc", "both"):
            self._trust_provider(settings)

    def _trust_provider(self, settings: Settings) -> None:
        # Here: the cryptography behind them takes 0.2 s and 15 MB that others need not spend.
        from .oidc import OidcTokens, ProviderKeys  # noqa: PLC0415

        self.provider = ProviderKeys(settings)
        self._tokens = OidcTokens(settings, self.provider)

    def accept_audience(self, name: str) -> None:
        """Let tokens in too that were issued for `name`: an address of this service, as RFC 8707 has them say."""
        if self._tokens is not None:
            self._tokens.audience.accept(name)

    async def aclose(self) -> None:
        """Close the connections to the provider."""
        if self.provider is not None:
            await self.provider.aclose()

    async def authenticate(
        self, headers: Mapping[str, str], identify: Callable[[], Principal] | None = None
    ) -> Principal:
        """The caller with these headers (names in lower case), or whom `identify` knows; named in the log.

        Raises:
            Unauthenticated: Nothing that counts was sent.
            AccountUnverified: The caller's account has no verified address.
            IdentityUnavailable: The caller's token cannot be checked just now.
        """
        try:
            principal = identify() if identify else await self._principal(headers)
            structlog.contextvars.bind_contextvars(principal=principal.log_id)
        except (Unauthenticated, AccountUnverified, IdentityUnavailable) as refusal:
            is_guess = isinstance(refusal, Unauthenticated)
            self.record_refusal(refusal.reason if is_guess else refusal.code)
            raise
        return principal

    async def _principal(self, headers: Mapping[str, str]) -> Principal:
        if self.mode == "off":
            return Principal.anonymous()
        credential = self._credential(headers)
        if not credential:
            raise Unauthenticated("no_credentials", has_credentials=False)
        if len(credential) > TOKEN_MAX_CHARS:
            raise Unauthenticated("too_long")
        if self.keys is not None and credential.startswith(PREFIX):
            return self.keys.principal(credential)
        if self._tokens is not None and not credential.startswith(PREFIX):
            return await self._tokens.principal(credential)
        raise Unauthenticated("kind_not_accepted")

    def _credential(self, headers: Mapping[str, str]) -> str:
        """The token of `Authorization: Bearer`, else the key of `X-API-Key`."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")

    @staticmethod
    def record_refusal(reason: str) -> None:
        """Log and count a caller that was not let in."""
        log.info("caller_refused", reason=reason)
        CALLERS_REFUSED.labels(reason).inc()
