"""What may vary: every knob with its unit, default and reason. Nothing else reads the environment."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, AnyHttpUrl, Field, NonNegativeFloat, SecretStr

from .configuration import Configuration
from .project import Project
from .prompts.language import Language
from .store_url import StoreURL

__all__ = ["Configuration", "Settings"]  # an agent takes the base of its own settings from here

EMBEDDED = "embedded"
"""The model that needs no key and no network; see `llm/embedded.py`."""

MODEL_EXAMPLES = {
    "openai": "openai:gpt-5-mini",
    "anthropic": "anthropic:claude-sonnet-5",
    "bedrock": "bedrock_converse:anthropic.claude-sonnet-5",
    "ollama": "ollama:qwen3",
}
"""One current model per provider, shown in `.env.example`."""

MODEL_PATTERN = r"^(embedded|[a-z_]+:\S+)$"

ALGORITHM = "(?:(?:RS|PS|ES)(?:256|384|512)|EdDSA)"
"""Signatures by key pairs. Never `none`, nor HS256: its key would be the public one."""

SCOPE = "(?:chat|threads|metrics)"
"""What a caller may be allowed to do; see `auth/principal.py`."""

HOSTS_AND_NETWORKS_PATTERN = r"^[0-9A-Fa-f:.]+(/[0-9]+)?(\s*,\s*[0-9A-Fa-f:.]+(/[0-9]+)?)*$"

HOSTS_PATTERN = r"^[^\s,/@]+(\s*,\s*[^\s,/@]+)*$"

MODELS_PATTERN = r"^[a-z_]+:[^\s,]+(\s*,\s*[a-z_]+:[^\s,]+)*$"


class Settings(Configuration):
    """The service's settings. Agents keep theirs in `agents/<name>/settings.py`."""

    environment: Literal["development", "production"] = "development"
    """`production` refuses to start with sample data, with callers unknown by name, or with memory
    that a restart loses."""

    host: str = "127.0.0.1"
    """Address that the server listens on. Containers set 0.0.0.0."""

    port: int = Field(default=8000, ge=1, le=65535)
    """TCP port that the server listens on."""

    workers: int = Field(default=1, ge=1, le=64)
    """Processes that serve; more than one needs PostgreSQL, which keeps their turns apart."""

    shutdown_delay_seconds: float = Field(default=0, ge=0, le=60)
    """Time between SIGTERM, when `/readyz` turns 503, and the closed door, seconds. Behind a load
    balancer: what it needs to notice (Kubernetes: 5)."""

    shutdown_grace_seconds: float = Field(default=20, ge=0, le=600)
    """Time for open requests after that, seconds; then streams end with an event. Together with
    the delay it stays below what the platform waits (Kubernetes: 30 s)."""

    language: Language = Project.load().language
    """Language of the answer where a question does not tell its own: `en` or `es`."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Lowest level that is logged."""

    log_format: Literal["auto", "json", "console"] = "auto"
    """`json` lines for machines, `console` for people; `auto` takes console on a terminal."""

    enable_verbose_logging: bool = False
    """Log debug events too: tool calls, prompts by name, sizes. Redaction stays on."""

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

    oidc_audience: str | None = None
    """What tokens must say in `aud`: the name of this service at the provider."""

    oidc_algorithms: str = Field(
        default="RS256,PS256,ES256,EdDSA", pattern=rf"^{ALGORITHM}(?:,{ALGORITHM})*$"
    )
    """Signature algorithms that are accepted, separated by commas."""

    oidc_scopes: str = Field(default="chat,threads", pattern=rf"^(?:token|{SCOPE}(?:,{SCOPE})*)$")
    """Scopes of every caller with a token, of `chat`, `threads`, `metrics`; `token`: those that
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

    metrics_open: bool = True
    """`/metrics` answers everybody who reaches it; false: callers with the scope `metrics`."""

    trusted_proxies: str | None = Field(default=None, pattern=HOSTS_AND_NETWORKS_PATTERN)
    """Addresses or networks (`10.0.0.0/8`) of the proxies in front, separated by commas: only their
    X-Forwarded-For tells a caller's address. Empty: the address that connects is the caller's."""

    limits: Literal["enforce", "observe", "off"] = "enforce"
    """What becomes of a request beyond a rate or a quota: 429, or a count and a log line only
    (`observe`, to find the right numbers first); `off` counts nothing."""

    rate_address_per_minute: int = Field(default=300, ge=0)
    """Requests of one address (IPv6: of one /64 network) a minute, whoever sends them; 0: no limit."""

    rate_caller_per_minute: int = Field(default=60, ge=0)
    """Requests of one caller with a name a minute, from wherever; 0: no limit."""

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

    disable_llm: bool = False
    """Call no model at all: rules plan, and each agent answers from its data."""

    use_fake_data: bool = True
    """Answer from sample data and make no outbound data call. Refused in production."""

    llm_model: str = Field(default=EMBEDDED, pattern=MODEL_PATTERN)
    """Model for every role: `embedded` (no key, no network) or `provider:model`."""

    llm_planner_model: str | None = Field(default=None, pattern=MODEL_PATTERN)
    """Model that plans which agents work; empty: LLM_MODEL."""

    llm_agent_model: str | None = Field(default=None, pattern=MODEL_PATTERN)
    """Model that agents call tools with; empty: LLM_MODEL."""

    llm_writer_model: str | None = Field(default=None, pattern=MODEL_PATTERN)
    """Model that joins several agents' answers into one; empty: LLM_MODEL."""

    llm_fallback_models: str | None = Field(default=None, pattern=MODELS_PATTERN)
    """Models asked in this order when the one before gives nothing usable: `provider:model`,
    separated by commas. Not for roles that `embedded` answers."""

    llm_planner_fallback_models: str | None = Field(default=None, pattern=MODELS_PATTERN)
    """Fallbacks of the planner; empty: LLM_FALLBACK_MODELS."""

    llm_agent_fallback_models: str | None = Field(default=None, pattern=MODELS_PATTERN)
    """Fallbacks of the agents; empty: LLM_FALLBACK_MODELS."""

    llm_writer_fallback_models: str | None = Field(default=None, pattern=MODELS_PATTERN)
    """Fallbacks of the writer; empty: LLM_FALLBACK_MODELS."""

    llm_api_key: SecretStr | None = None
    """Key of the model provider; empty: the provider's own variable or credential chain."""

    llm_base_url: AnyHttpUrl | None = None
    """Address of a compatible endpoint, such as a gateway; empty: the provider's own."""

    llm_fallback_api_key: SecretStr | None = None
    """Key of the fallbacks' own endpoint. With neither it nor LLM_FALLBACK_BASE_URL, a fallback of
    the same provider shares LLM_API_KEY and LLM_BASE_URL, another takes its own variables."""

    llm_fallback_base_url: AnyHttpUrl | None = None
    """Address of the fallbacks' own endpoint. It needs LLM_FALLBACK_API_KEY (any text where the
    endpoint asks for none): no key of another endpoint is sent there."""

    llm_timeout_seconds: float = Field(default=20, gt=0, le=600)
    """Longest wait for one model, seconds, its retries included; of a stream, for its beginning.
    The SDKs' own 600 s outlives any caller."""

    llm_connect_timeout_seconds: float = Field(default=2, gt=0, le=30)
    """Longest wait for a connection to a model, seconds; then the next model is asked."""

    llm_first_token_seconds: float = Field(default=10, gt=0, le=600)
    """Longest wait for the first content of a streamed answer, seconds; keep-alives are none."""

    llm_next_token_seconds: float = Field(default=5, gt=0, le=600)
    """Longest wait for further content of a streamed answer, seconds; then it is given up."""

    llm_max_retries: int = Field(default=1, ge=0, le=5)
    """Retries of one model call on timeouts, connection errors, 429 and 5xx; at most one for each
    five calls in the long run, so that an outage is not made worse."""

    llm_breaker_failures: int = Field(default=5, ge=1, le=1000)
    """Failures of a model in a row after which it is not asked for a while."""

    llm_breaker_seconds: float = Field(default=30, gt=0, le=3600)
    """How long it is not asked, seconds; then one call tries whether it works again."""

    llm_max_concurrency: int = Field(default=64, ge=1, le=1000)
    """Calls of one model at once, of one process."""

    llm_max_queue: int = Field(default=128, ge=0, le=10_000)
    """Calls that may wait for such a place; one more goes to the next model at once."""

    llm_max_answer_bytes: int = Field(default=5_000_000, ge=1024)
    """Largest answer of a model after decompression, bytes. A streamed token takes about 250."""

    llm_prices: dict[str, tuple[NonNegativeFloat, NonNegativeFloat]] = {}
    """US dollars per million tokens, in and out, for each model, as JSON:
    `{"openai:gpt-5-mini": [0.25, 2]}`. A model that is not in it costs an unknown sum."""

    llm_temperature: float | None = Field(default=None, ge=0, le=2)
    """Sampling temperature; empty: not sent, since several current models refuse it."""

    llm_max_output_tokens: int = Field(default=1024, ge=16)
    """Longest model answer, tokens."""

    request_timeout_seconds: float = Field(default=45, gt=0, le=3600)
    """Wall deadline of one request, seconds: the answer leaves before it, with what is finished.
    Load balancers (nginx, AWS) cut after 60 s."""

    requests_max_running: int = Field(default=64, ge=1, le=10_000)
    """Messages answered at once, of one process; it bounds memory under load."""

    requests_max_waiting: int = Field(default=128, ge=0, le=100_000)
    """Messages that may wait for that; one more gets 503 with Retry-After at once."""

    run_max_model_calls: int = Field(default=16, ge=1, le=500)
    """Model calls of one run, all agents together; beyond it agents answer from their data."""

    run_max_tool_calls: int = Field(default=24, ge=1, le=1000)
    """Tool calls of one run, all agents together; further calls are refused to the models."""

    run_max_tokens: int = Field(default=100_000, ge=100)
    """Size of all model calls of one run, tokens in and out; once used, no further model is called."""

    agent_max_model_calls: int = Field(default=5, ge=1, le=50)
    """Model calls of one agent in one run; beyond it the agent answers from its data."""

    agent_max_tool_calls: int = Field(default=8, ge=1, le=100)
    """Tool calls of one agent in one run; further calls are refused to the model."""

    plan_max_tasks: int = Field(default=4, ge=1, le=20)
    """Tasks that one message may start side by side; more are asked to come one by one."""

    message_max_chars: int = Field(default=4000, ge=1)
    """Longest message, characters."""

    body_max_bytes: int = Field(default=64 * 1024, ge=1024)
    """Largest request body, bytes; refused with 413 before it is read whole."""

    history_turns: int = Field(default=6, ge=0, le=100)
    """Past exchanges that a thread keeps and a model sees: cost per turn stays flat."""

    history_max_tokens: int = Field(default=2000, ge=0)
    """Size of those exchanges, tokens (guessed at 4 characters each); the oldest leave first."""

    answer_cache_ttl_seconds: int = Field(default=3600, ge=0, le=7 * 24 * 3600)
    """How long an agent's answer may stand in when no model answers, seconds; 0: never."""

    answer_cache_max_entries: int = Field(default=1000, ge=1)
    """Answers kept for that, entries; the one that was not asked for longest leaves first."""

    database_url: Annotated[str, AfterValidator(StoreURL.check)] = Field(
        default="sqlite:///var/threads.sqlite", repr=False
    )
    """Where threads are kept: `sqlite:///path/to/file`, `postgresql://user@host:5432/name` (the
    password behind the user and a colon, percent-encoded) or `memory://` (lost at restart)."""

    database_pool_size: int = Field(default=10, ge=1, le=200)
    """Connections to PostgreSQL of one process, and one more for its locks. The server's own
    limit is 100 for all (max_connections)."""

    database_timeout_seconds: float = Field(default=3, gt=0, le=60)
    """Longest wait for the store, seconds; beyond it a turn is answered without being saved."""

    turn_wait_seconds: float = Field(default=10, ge=0, le=120)
    """Longest wait for the turn before in the same thread, seconds; beyond it the answer is 409."""

    idempotency_ttl_seconds: int = Field(default=24 * 3600, ge=1, le=30 * 24 * 3600)
    """How long the reply to an Idempotency-Key is kept for a second try, seconds."""

    retention_days: int = Field(default=90, ge=1, le=36500)
    """Days after its last turn from which on the command `retention` deletes a thread."""

    data_timeout_seconds: float = Field(default=5, gt=0, le=120)
    """Longest wait for one answer of a data source, seconds, retries included."""

    data_max_retries: int = Field(default=2, ge=0, le=5)
    """Retries of one data call on connection errors, 429 and 5xx."""

    data_max_bytes: int = Field(default=2_000_000, ge=1024)
    """Largest answer of a data source after decompression, bytes."""

    data_max_rows: int = Field(default=200, ge=1, le=100_000)
    """Most rows that one query of a reference table may give, rows."""

    data_private_hosts: str | None = Field(default=None, pattern=HOSTS_PATTERN)
    """Data hosts that may have a private address, such as an internal API, separated by commas.
    Every other host must have public addresses alone; empty: all of them."""

    data_proxy_url: AnyHttpUrl | None = None
    """Proxy that data requests leave through, where there is no other way out. It resolves the
    names, so it must refuse private addresses itself. HTTPS_PROXY and its like are not read."""

    @property
    def private_hosts(self) -> frozenset[str]:
        """DATA_PRIVATE_HOSTS, each."""
        hosts = (self.data_private_hosts or "").lower().split(",")
        return frozenset(filter(None, map(str.strip, hosts)))

    def rules(self) -> Iterator[str]:
        """What the settings break together, one problem each."""
        if self.environment == "production":
            yield from (
                f"ENVIRONMENT=production refuses {it}" for it in self._only_for_development()
            )
        needed = [
            *(["api_keys_file"] if self.authentication in ("keys", "both") else []),
            *(["oidc_issuer", "oidc_audience"] if self.authentication in ("oidc", "both") else []),
        ]
        for name in needed:
            if not getattr(self, name):
                yield f"AUTHENTICATION={self.authentication} needs {self.variable(name)}"
        if self.workers > 1 and not self.database_url.startswith(StoreURL.POSTGRESQL):
            yield "WORKERS: more than one process needs DATABASE_URL=postgresql://..."

    def _only_for_development(self) -> Iterator[str]:
        if self.use_fake_data:
            yield "USE_FAKE_DATA=true, which invents answers: set it to false"
        if self.authentication == "off":
            yield "AUTHENTICATION=off, which lets everybody in: set it to keys, oidc or both"
        if self.oidc_issuer and not self.oidc_issuer.startswith("https://"):
            yield "OIDC_ISSUER without https"
        if self.workers > 1 and self.limits != "off" and not self.redis_url:
            yield "several processes that count limits for themselves: set REDIS_URL, or LIMITS=off"
        if self.database_url == StoreURL.MEMORY:
            yield "DATABASE_URL=memory://, which loses threads: set another store"

    def secrets(self) -> Iterator[SecretStr]:
        """Every secret, the passwords inside DATABASE_URL and REDIS_URL too."""
        yield from super().secrets()
        for url in (self.database_url, self.redis_url and self.redis_url.get_secret_value()):
            if url and (password := urlsplit(url).password):
                yield SecretStr(password)
                yield SecretStr(unquote(password))
