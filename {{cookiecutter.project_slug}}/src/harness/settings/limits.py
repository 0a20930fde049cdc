"""How much a caller may ask for."""

from typing import ClassVar, Literal

from pydantic import Field, SecretStr

from ..configuration import Configuration


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

    redis_timeout_seconds: float = Field(default=0.1, gt=0, le=10)
    """Longest wait for Redis, seconds; a message waits for two or three of its answers."""

    limits_without_redis: Literal["local", "refuse"] = "local"
    """While Redis is away: each process counts for itself, or every request gets 503."""
