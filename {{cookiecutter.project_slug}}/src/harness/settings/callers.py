"""Who is asking, and how much a caller may ask for."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, SecretStr

from ..configuration import Configuration

ALGORITHM = "(?:(?:RS|PS|ES)(?:256|384|512)|EdDSA)"
"""Signatures by key pairs. Never `none`, nor HS256: its key would be the public one."""

SCOPE = "(?:chat|threads|approve|metrics)"
"""What a caller may be allowed to do; see `auth/principal.py`."""


class CallerSettings(Configuration):
    """Who is asking."""

    title: ClassVar = "Callers"

    authentication: Literal["off", "keys", "oidc", "both"] = "off"
    """How callers prove who they are: API keys, access tokens of an OIDC provider, both, or `off`:
    all callers are one, without a name. Production refuses `off`."""

    api_keys_file: Path | None = None
    """File with the hashes of the API keys, as `keys new` prints them; read again when it changes.
    A mounted secret will do, under another name than a setting's."""

    api_key: SecretStr | None = None
    """API key or access token that the command `ask --url` sends."""

    oidc_issuer: str | None = Field(default=None, pattern=r"^https?://[^\s?#]+$")
    """Address of the OIDC provider, letter by letter as its tokens say it in `iss`."""

    oidc_audience: str | None = Field(default=None, pattern=r"^\s*[^\s,][^,]*(,\s*[^\s,][^,]*)*$")
    """What tokens must say in OIDC_AUDIENCE_CLAIM, one of several separated by commas: the names of this service
    at the provider, and its address where clients ask for tokens by it (RFC 8707). In another claim than `aud`,
    the clients whose tokens count."""

    oidc_audience_claim: Literal["aud", "azp", "client_id", "cid"] = "aud"
    """Where tokens say for whom they are. `aud` is for services; the others name the client that asked for the
    token: for providers whose access tokens have no `aud` of ours, `client_id` (Cognito), `azp` (Keycloak)."""

    oidc_algorithms: str = Field(default="RS256,PS256,ES256,EdDSA", pattern=rf"^{ALGORITHM}(?:,{ALGORITHM})*$")
    """Signature algorithms that are accepted, separated by commas."""

    oidc_require_at_jwt: bool = False
    """Accept only tokens whose header says `typ: at+jwt` (RFC 9068), which not every provider writes. Without
    it a token that shows another purpose is refused: an ID token by its `nonce`, a log-out, a refresh token."""

    oidc_scopes: str = Field(default="chat,threads", pattern=rf"^(?:token|{SCOPE}(?:,{SCOPE})*)$")
    """Scopes of every caller with a token, of `chat`, `threads`, `approve`, `metrics`; `token`: those that
    the token's own claim `scope` (or `scp`) names."""

    oidc_require_verified: Literal["none", "email", "phone", "any"] = "none"
    """What the token must say is verified: `email_verified`, `phone_number_verified`, one of them
    (`any`), or nothing. An unverified account gets 403."""

    oidc_leeway_seconds: float = Field(default=30, ge=0, le=300)
    """By how much the provider's clock and ours may differ, seconds."""

    oidc_keys_ttl_seconds: float = Field(default=3600, ge=60, le=7 * 24 * 3600)
    """How long the provider's keys are used, seconds. They are fetched anew after half of it, so
    an outage of the provider shorter than the other half is not noticed."""

    oidc_cooldown_seconds: float = Field(default=30, ge=1, le=3600)
    """Shortest time between two fetches for unknown keys or after a failure, seconds: tokens with
    invented keys cannot make us call the provider again and again."""

    oidc_timeout_seconds: float = Field(default=3, gt=0, le=30)
    """Longest wait for the provider, seconds; a request with a token waits as long at most."""

    @property
    def audiences(self) -> list[str]:
        """OIDC_AUDIENCE, each."""
        return [it.strip() for it in (self.oidc_audience or "").split(",") if it]

    def rules(self) -> Iterator[str]:
        """What each way to know callers needs."""
        needed = [
            *(["api_keys_file"] if self.authentication in ("keys", "both") else []),
            *(["oidc_issuer", "oidc_audience"] if self.authentication in ("oidc", "both") else []),
        ]
        for name in needed:
            if not getattr(self, name):
                yield f"AUTHENTICATION={self.authentication} needs {self.variable(name)}"


class LimitSettings(Configuration):
    """How much a caller may ask for."""

    title: ClassVar = "Limits"

    limits: Literal["enforce", "observe", "off"] = "enforce"
    """What becomes of a request beyond a rate or a quota: 429, or a count and a log line only
    (`observe`, to find the right numbers first); `off` counts nothing."""

    rate_address_per_minute: int = Field(default=300, ge=0)
    """Requests of one address (IPv6: of one /64 network) a minute, whoever sends them; 0: no limit."""

    rate_caller_per_minute: int = Field(default=60, ge=0)
    """Requests of one caller with a name a minute, from wherever; 0: no limit."""

    caller_max_running: int = Field(default=16, ge=0)
    """Messages of one caller with a name that are answered at once by one process, a quarter of
    REQUESTS_MAX_RUNNING; one more gets 429 at once. Each process counts for itself, with Redis
    too; 0: no limit."""

    quota_thread_day_messages: int = Field(default=200, ge=0)
    """Messages of one conversation a day (UTC); 0: no quota. The same for all that follow."""

    quota_thread_day_tokens: int = Field(default=500_000, ge=0)
    """Tokens of one conversation a day, in and out."""

    quota_thread_day_usd: float = Field(default=5, ge=0)
    """US dollars of one conversation a day, by LLM_PRICES: models without a price add nothing."""

    quota_caller_day_messages: int = Field(default=1000, ge=0)
    """Messages of one caller a day; with AUTHENTICATION=off all callers are one."""

    quota_caller_day_tokens: int = Field(default=2_000_000, ge=0)
    """Tokens of one caller a day, in and out."""

    quota_caller_day_usd: float = Field(default=20, ge=0)
    """US dollars of one caller a day."""

    quota_service_day_usd: float = Field(default=200, ge=0)
    """US dollars of all callers together a day: what an attack with many accounts can cost."""

    quota_reserved_tokens: int = Field(default=4000, ge=0)
    """Tokens that a message reserves of each quota before it runs, and their price by the dearest
    of LLM_PRICES; what it used replaces them. Messages side by side overrun by what they use more."""

    redis_url: SecretStr | None = None
    """Redis where all processes count rates and quotas: `redis://:password@host:6379/0`, `rediss://`
    for TLS. Empty: each process counts for itself."""

    redis_timeout_seconds: float = Field(default=3, gt=0, le=30)
    """Silence after which Redis counts as away, seconds: a late answer is waited for, so that nothing
    is let through twice. A message waits for two or three of its answers, in general 1 ms each."""

    limits_without_redis: Literal["local", "refuse"] = "local"
    """While Redis is away: each process counts for itself, or every request gets 503."""
