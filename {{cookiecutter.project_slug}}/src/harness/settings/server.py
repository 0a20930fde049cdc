"""The process itself, and what it reaches: its store, data sources and collectors of traces."""

import re
from pathlib import Path
from pkgutil import iter_modules
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, AnyHttpUrl, Field, SecretStr

from ..configuration import Configuration
from ..project import Project
from ..prompts.language import Language

HOSTS_PATTERN = r"^[^\s,/@]+(\s*,\s*[^\s,/@]+)*$"
PUBLIC_URL_PATTERN = r"^https?://[^\s/?#@,]+(/[^\s/?#]+)*$"
ORIGINS_PATTERN = r"^(\*|https?://[^\s,/@]+(\s*,\s*https?://[^\s,/@]+)*)$"
HEADERS_PATTERN = r"^[A-Za-z0-9-]+(\s*,\s*[A-Za-z0-9-]+)*$"
HOSTS_AND_NETWORKS_PATTERN = r"^[0-9A-Fa-f:.]+(/[0-9]+)?(\s*,\s*[0-9A-Fa-f:.]+(/[0-9]+)?)*$"
CREDENTIALS = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key"})
"""Headers that no setting may take for another purpose."""


class LogFormats:
    """What LOG_FORMAT can be: the built-in ones, and each module of `telemetry/formats`."""

    BUILT_IN: ClassVar = ("auto", "json", "console")
    FOLDER: ClassVar = Path(__file__).parents[1] / "telemetry" / "formats"

    @classmethod
    def check(cls, name: str) -> str:
        """The name; raises ValueError for one that is not there."""
        names = [*cls.BUILT_IN, *(it.name for it in iter_modules([str(cls.FOLDER)]))]
        if name not in names:
            raise ValueError(f"must be one of {', '.join(names)}")
        return name


class PublicURL:
    """The service's own address."""

    @staticmethod
    def plain(url: str) -> str:
        """As clients write it into `Host`: the host in lower case, no default port, no slash at the end."""
        return str(AnyHttpUrl(url)).rstrip("/")


class ThreadHeaders:
    """Headers whose value is an id, which stands in stores and logs."""

    @staticmethod
    def check(names: str) -> str:
        """The names; raises ValueError for one that holds credentials."""
        if found := [it for it in map(str.strip, names.split(",")) if it.lower() in CREDENTIALS]:
            raise ValueError(f"{', '.join(found)} holds credentials; name a header that holds the id of a conversation")
        return names


class ServerSettings(Configuration):
    """How it listens, ends, and tells what it does."""

    title: ClassVar = "Server"

    LOOPBACK: ClassVar = ("127.0.0.1", "localhost", "[::1]")
    """What this machine is called by whoever is on it."""

    environment: Literal["development", "production"] = "development"
    """`production` refuses to start with sample data, with callers unknown by name, or with memory
    that a restart loses."""

    commit: str = Field(default="unknown", pattern=r"^[\w.-]{1,64}$")
    """Commit of the code that runs, for `/version`, the log and `build_info`. The image sets it."""

    host: str = "127.0.0.1"
    """Address that the server listens on. Containers set 0.0.0.0; `::` is every address of both kinds."""

    port: int = Field(default=8000, ge=1, le=65535)
    """TCP port that the server listens on."""

    workers: int = Field(default=1, ge=1, le=64)
    """Processes that serve; more than one needs PostgreSQL, which keeps their turns apart."""

    keep_alive_seconds: int = Field(default=75, ge=1, le=3600)
    """How long an idle connection stays open, seconds: longer than the balancer in front keeps it, or
    it sends requests into closed ones. nginx and AWS keep 60 s; Google's 600 s need 620 here."""

    shutdown_delay_seconds: float = Field(default=0, ge=0, le=60)
    """Time between SIGTERM, when `/readyz` turns 503, and the closed door, seconds. Behind a load
    balancer: what it needs to notice (Kubernetes: 5)."""

    shutdown_grace_seconds: float = Field(default=20, ge=0, le=600)
    """Time for open requests after that, seconds; then streams end with an event. Together with
    the delay it stays below what the platform waits (Kubernetes: 30 s)."""

    public_url: Annotated[str, AfterValidator(PublicURL.plain)] | None = Field(default=None, pattern=PUBLIC_URL_PATTERN)
    """Address under which callers reach this service, with its path if it has one:
    `https://agents.example.com`. Agent cards and the metadata for OAuth clients name it, and the hosts that
    an endpoint answers for follow from it. Never guessed from a request, whose `Host` anybody can write."""

    endpoints: str = Field(default="all", pattern=r"^(all|none|[a-z0-9]+(\s*,\s*[a-z0-9]+)*)$")
    """Further protocols that it speaks beside `/v1`, of those in `src/harness/endpoints`, separated by commas;
    `all`: each one whose extra is installed; `none`. What is off is not even imported."""

    chat_completions_thread_headers: Annotated[str, AfterValidator(ThreadHeaders.check)] = Field(
        default="X-Thread-Id, X-Conversation-Id, X-OpenWebUI-Chat-Id", pattern=HEADERS_PATTERN
    )
    """Headers that name the conversation at `/v1/chat/completions`, separated by commas; the first with a value
    counts. What a front end sends there: Open WebUI the last one, LibreChat what its configuration says."""

    trusted_proxies: str | None = Field(default=None, pattern=HOSTS_AND_NETWORKS_PATTERN)
    """Addresses or networks (`10.0.0.0/8`) of the proxies in front, separated by commas: only their
    X-Forwarded-For tells a caller's address, and their X-Forwarded-Proto the scheme. Empty: the address
    that connects is the caller's."""

    cors_origins: str | None = Field(default=None, pattern=ORIGINS_PATTERN)
    """Origins of the web pages that may call from a browser, `https://app.example.com`, separated by
    commas; `*`: of any. Empty: none but the service's own."""

    body_max_bytes: int = Field(default=64 * 1024, ge=1024)
    """Largest request body, bytes; refused with 413 before it is read whole."""

    history_body_max_bytes: int = Field(default=1024 * 1024, ge=1024)
    """Largest request body, bytes, where clients send the whole conversation each time (`/v1/chat/completions`,
    `/v1/agui`). Its last message alone is read, and held to MESSAGE_MAX_CHARS."""

    body_timeout_seconds: float = Field(default=20, gt=0, le=600)
    """Longest time for a request's body after its headers, seconds, however it drips; then 408. The
    largest body takes 7 s at 75 kbit/s."""

    header_max_bytes: int = Field(default=32 * 1024, ge=1024)
    """Largest request line and headers together, bytes; beyond it 431. nginx's default too."""

    language: Language = Field(default=Project.load().language, validate_default=True)
    """Language of the answer where a question does not tell its own, or tells one without a file: `en`,
    `es`, or that of a file in `src/app/locale`."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Lowest level that is logged; audit lines always are."""

    log_format: Annotated[str, AfterValidator(LogFormats.check)] = "auto"
    """`json` lines for machines, `ecs` the same under the names of the Elastic Common Schema,
    `console` for people; `auto` takes console on a terminal, else json."""

    enable_verbose_logging: bool = False
    """Log debug events too: tool calls, prompts by name, sizes. Redaction stays on."""

    log_queue_bytes: int = Field(default=4_000_000, ge=1024)
    """Log lines that may wait while nobody reads standard error, bytes; further ones are dropped and counted
    in `log_lines_dropped_total`. Some minutes of a busy service; guess."""

    metrics_open: bool = True
    """`/metrics` answers everybody who reaches it; false: callers with the scope `metrics`."""

    @property
    def local_url(self) -> str:
        """Where this process listens, for whoever is on this machine."""
        host = "localhost" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104  # nosec B104
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def enabled_endpoints(self) -> list[str] | None:
        """ENDPOINTS, each; None: all that can be had."""
        if self.endpoints == "all":
            return None
        return [] if self.endpoints == "none" else [*dict.fromkeys(it.strip() for it in self.endpoints.split(","))]

    @property
    def thread_headers(self) -> list[str]:
        """CHAT_COMPLETIONS_THREAD_HEADERS, each."""
        return [it.strip() for it in self.chat_completions_thread_headers.split(",")]

    @property
    def allowed_origins(self) -> list[str]:
        """CORS_ORIGINS, each."""
        return [it.strip() for it in (self.cors_origins or "").split(",") if it]


class StoreURL:
    """The forms of DATABASE_URL. Without a password in any error: a refusal never shows it."""

    MEMORY: ClassVar = "memory://"
    SQLITE: ClassVar = "sqlite:///"
    POSTGRESQL: ClassVar = "postgresql://"

    FURTHER: ClassVar = tuple(it.name for it in iter_modules([str(Path(__file__).parents[1] / "storage")]) if it.ispkg)
    """Names of the packages with further stores: `name://table`."""

    FORM: ClassVar = re.compile(
        rf"{MEMORY}|{SQLITE}.+|(?:{'|'.join(FURTHER) or '$^'})://[\w.-]+(?:\?region=[a-z0-9-]+)?"
        # User and password without @ / ? # as they are: every reader finds the same host.
        rf"|{POSTGRESQL}(?:[^\s@/?#]+@)?[\w.,:\[\]-]*/[\w.%-]+(?:\?[\w=&%.,/:+-]*)?"
    )

    @classmethod
    def check(cls, url: str) -> str:
        """`url`, when it has one of the forms.

        Raises:
            ValueError: It has none.
        """
        if not cls.FORM.fullmatch(url):
            further = "".join(f", {it}://table?region=name" for it in cls.FURTHER)
            raise ValueError(
                f"must be {cls.SQLITE}path, {cls.POSTGRESQL}user:password@host:port/name with"
                f" special characters percent-encoded{further}, or {cls.MEMORY}"
            )
        return url


class StoreSettings(Configuration):
    """Where conversations are kept, and how long."""

    title: ClassVar = "Store"

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

    approval_ttl_seconds: int = Field(default=24 * 3600, ge=1, le=30 * 24 * 3600)
    """How long a call that writes waits for a person's approval, seconds; then it is not done. A
    working day, so that who may approve need not sit there; guess."""

    feedback_comment_max_chars: int = Field(default=1000, ge=0, le=10_000)
    """Longest comment of a rating, characters."""

    retention_days: int = Field(default=90, ge=1, le=36500)
    """Days after its last turn, or writing, from which on the command `retention` deletes a thread, or a memory."""


class DataSettings(Configuration):
    """What agents reach outside, and how."""

    title: ClassVar = "Data sources"

    use_fake_data: bool = True
    """Answer from sample data and make no outbound data call. Refused in production."""

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

    mcp_stdio: bool = False
    """Let agents start local MCP servers: programs, with the rights of this service."""

    data_proxy_url: AnyHttpUrl | None = None
    """Proxy that data requests leave through, where there is no other way out. It resolves the
    names, so it must refuse private addresses itself. HTTPS_PROXY and its like are not read."""

    @property
    def private_hosts(self) -> frozenset[str]:
        """DATA_PRIVATE_HOSTS, each."""
        hosts = (self.data_private_hosts or "").lower().split(",")
        return frozenset(filter(None, map(str.strip, hosts)))


class TracingSettings(Configuration):
    """Where traces go. Nowhere, unless a setting here says so."""

    title: ClassVar = "Traces"

    otel_exporter_otlp_endpoint: AnyHttpUrl | None = None
    """Address of an OpenTelemetry collector (OTLP over HTTP, `/v1/traces` is added). Empty: no
    traces, and OpenTelemetry is not even imported. It needs the extra `otel`."""

    otel_exporter_otlp_headers: SecretStr | None = None
    """Headers for it, `name=value` separated by commas, percent-encoded, such as its key."""

    otel_service_name: str | None = None
    """Name of this service in traces; empty: the project's."""

    otel_resource_attributes: str | None = Field(default=None, pattern=r"^[^=,]+=[^,]*(,[^=,]+=[^,]*)*$")
    """What else its traces say of it, `name=value` separated by commas, percent-encoded, such as
    `service.namespace=shop`."""

    otel_sample_ratio: float = Field(default=1, ge=0, le=1)
    """Share of runs that are traced."""

    otel_queue_spans: int = Field(default=2048, ge=1, le=100_000)
    """Spans that wait for the collector, about 1 kB each; further ones are dropped and counted."""

    langsmith_tracing: bool = False
    """Send runs, with what was asked and answered (secrets redacted), and ratings to LangSmith."""

    langsmith_api_key: SecretStr | None = None
    """Key for LangSmith."""

    langsmith_endpoint: AnyHttpUrl | None = None
    """Address of LangSmith; empty: the library's own."""

    langsmith_project: str | None = None
    """Project there; empty: this service's name."""
