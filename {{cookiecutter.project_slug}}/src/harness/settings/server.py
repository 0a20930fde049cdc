"""How it listens, ends, and tells what it does."""

from typing import ClassVar, Literal

from pydantic import Field

from ..configuration import Configuration
from ..project import Project
from ..prompts.language import Language

HOSTS_AND_NETWORKS_PATTERN = r"^[0-9A-Fa-f:.]+(/[0-9]+)?(\s*,\s*[0-9A-Fa-f:.]+(/[0-9]+)?)*$"


class ServerSettings(Configuration):
    """How it listens, ends, and tells what it does."""

    title: ClassVar = "Server"

    environment: Literal["development", "production"] = "development"
    """`production` refuses to start with sample data, with callers unknown by name, or with memory
    that a restart loses."""

    commit: str = Field(default="unknown", pattern=r"^[\w.-]{1,64}$")
    """Commit of the code that runs, for `/version`, the log and `build_info`. The image sets it."""

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

    trusted_proxies: str | None = Field(default=None, pattern=HOSTS_AND_NETWORKS_PATTERN)
    """Addresses or networks (`10.0.0.0/8`) of the proxies in front, separated by commas: only their
    X-Forwarded-For tells a caller's address. Empty: the address that connects is the caller's."""

    body_max_bytes: int = Field(default=64 * 1024, ge=1024)
    """Largest request body, bytes; refused with 413 before it is read whole."""

    body_timeout_seconds: float = Field(default=20, gt=0, le=600)
    """Longest time for a request's body after its headers, seconds, however it drips; then 408. The
    largest body takes 7 s at 75 kbit/s."""

    header_max_bytes: int = Field(default=32 * 1024, ge=1024)
    """Largest request line and headers together, bytes; beyond it 431. nginx's default too."""

    language: Language = Project.load().language
    """Language of the answer where a question does not tell its own: `en` or `es`."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Lowest level that is logged; audit lines always are."""

    log_format: Literal["auto", "json", "console", "ecs"] = "auto"
    """`json` lines for machines, `ecs` the same under the names of the Elastic Common Schema,
    `console` for people; `auto` takes console on a terminal, else json."""

    enable_verbose_logging: bool = False
    """Log debug events too: tool calls, prompts by name, sizes. Redaction stays on."""

    metrics_open: bool = True
    """`/metrics` answers everybody who reaches it; false: callers with the scope `metrics`."""
