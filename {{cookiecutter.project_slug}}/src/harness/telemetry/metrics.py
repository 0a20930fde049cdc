"""What the service counts about itself, for Prometheus. Every label has few values.

One registry a process, as there is one log. Several worker processes count in files of one folder,
and each of them answers for all (`workers.py`).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from .workers import Workers

Room = Literal[
    "api", "auth", "limits", "guardrails", "agents", "llm", "connectors", "persistence", "tracing"
]
"""Where something failed: a room of this package."""


class Metrics:
    """The counters by name. Labels: our roles, models, routes and reasons; never a caller's text."""

    CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4

    REQUEST_SECONDS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
    """From an answer without a model to the longest deadline."""

    CALL_SECONDS: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40)
    """From a small local model to LLM_TIMEOUT_SECONDS and beyond."""

    SOURCE_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
    """From a source nearby to DATA_TIMEOUT_SECONDS and beyond."""

    BREAKABLE_GUARDS: Final = ("detector", "outbound")
    """Those that say `failed` when they break. Counted from 0: a series that begins with 1 has not increased."""

    BREAKER_STATES: Final = {"closed": 0, "half_open": 1, "open": 2}

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._calls = Counter(
            "llm_calls",
            "Model calls by outcome: ok, cancelled, asked, failed, or why they failed.",
            ("role", "model", "outcome"),
            registry=self.registry,
        )
        self._latency = Histogram(
            "llm_latency_seconds",
            "Time from a model call's start to its end.",
            ("role", "model"),
            buckets=self.CALL_SECONDS,
            registry=self.registry,
        )
        self._tokens = Counter(
            "llm_tokens",
            "Tokens as the providers count them.",
            ("role", "model", "direction"),
            registry=self.registry,
        )
        self._cost = Counter(
            "llm_cost_usd",
            "US dollars by LLM_PRICES; models without a price add nothing.",
            ("role", "model"),
            registry=self.registry,
        )
        self._breaker = Gauge(
            "llm_breaker_state",
            "0 closed, 1 half-open, 2 open, as of the last call.",
            ("model",),
            registry=self.registry,
            multiprocess_mode="livemax",  # what the worst worker sees
        )
        self._fallbacks = Counter(
            "llm_fallbacks",
            "Calls that went on to the next model of the chain, by the model that failed.",
            ("role", "model", "reason"),
            registry=self.registry,
        )
        self._degraded = Counter(
            "answers_degraded",
            "Reasons of degraded answers; an answer may have several.",
            ("reason",),
            registry=self.registry,
        )
        self._guards = Counter(
            "guard_decisions",
            "What guards decided other than to let through; `failed` is a guard that broke.",
            ("guard", "decision"),
            registry=self.registry,
        )
        for guard in self.BREAKABLE_GUARDS:
            self._guards.labels(guard, "failed")
        self._refusals = Counter(
            "access_refused",
            "What agents reached for outside their policy, by the kind of thing.",
            ("agent", "tool", "kind"),
            registry=self.registry,
        )
        self._refused_callers = Counter(
            "callers_refused",
            "Requests of callers that were not let in, by reason.",
            ("reason",),
            registry=self.registry,
        )
        self._limits = Counter(
            "limits_reached",
            "Requests beyond a rate or a quota: refused (enforce), or let through (observe).",
            ("limit", "mode"),
            registry=self.registry,
        )
        self._requests = Histogram(
            "http_request_seconds",
            "Time from a request's first byte to its answer's last.",
            ("route", "status"),
            buckets=self.REQUEST_SECONDS,
            registry=self.registry,
        )
        self._failures = Counter(
            "failures",
            "What failed, by room of the package and part of it: an agent, a host, a model, a guard.",
            ("room", "part"),
            registry=self.registry,
        )
        self._answers = Counter(
            "answers",
            "Answers that left, by whether they were lesser ones.",
            ("degraded",),
            registry=self.registry,
        )
        self._agents = Histogram(
            "agent_run_seconds",
            "Time of one agent on one task, by how it ended.",
            ("agent", "status"),
            buckets=self.REQUEST_SECONDS,
            registry=self.registry,
        )
        self._sources = Histogram(
            "source_call_seconds",
            "Time of one call of a data source, retries included. Outcome: ok, failed, refused, cut.",
            ("host", "outcome"),
            buckets=self.SOURCE_SECONDS,
            registry=self.registry,
        )
        self._feedback = Counter(
            "feedback",
            "Ratings of answers; one that is changed counts again.",
            ("rating",),
            registry=self.registry,
        )
        self._ready = Gauge(
            "ready",
            "1 where a part can be used now: service, store, model, limits, callers.",
            ("part",),
            registry=self.registry,
            multiprocess_mode="livemostrecent",
        )
        self._waiting = Gauge(
            "queue_length",
            "Who waits now: messages for a place or for their thread, calls for a place of a model.",
            ("queue",),
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self._quota = Gauge(
            "quota_used_ratio",
            "How much of a quota of the whole service is used, as of the last message.",
            ("limit",),
            registry=self.registry,
            multiprocess_mode="livemostrecent",
        )
        self._spans_dropped = Counter(
            "trace_spans_dropped",
            "Spans that reached no collector: queue_full, not_sent.",
            ("reason",),
            registry=self.registry,
        )
        self._build = Gauge(
            "build_info",
            "What runs here.",
            ("version", "commit"),
            registry=self.registry,
            multiprocess_mode="livemax",
        )
        self._built: tuple[str, str] | None = None

    def build(self, version: str, commit: str) -> None:
        """Tell what runs, in the place of what was told before."""
        if self._built:
            self._build.remove(*self._built)
        self._built = (version, commit)
        self._build.labels(*self._built).set(1)

    def model_call(self, role: str, model: str, outcome: str, seconds: float) -> None:
        """Count one call of a model."""
        self._calls.labels(role, model, outcome).inc()
        self._latency.labels(role, model).observe(seconds)

    def tokens(
        self, role: str, model: str, input_tokens: int, output_tokens: int, usd: float | None
    ) -> None:
        """Add what one call used; `usd` is None for a model without a price."""
        self._tokens.labels(role, model, "input").inc(input_tokens)
        self._tokens.labels(role, model, "output").inc(output_tokens)
        if usd is not None:
            self._cost.labels(role, model).inc(usd)

    def breaker(self, model: str, state: Literal["closed", "half_open", "open"]) -> None:
        """Tell the state of a model's breaker."""
        self._breaker.labels(model).set(self.BREAKER_STATES[state])

    def fallback(self, role: str, model: str, reason: str) -> None:
        """Count that the model after `model` was asked."""
        self._fallbacks.labels(role, model, reason).inc()

    def degraded(self, reason: str) -> None:
        """Count one reason of a degraded answer."""
        self._degraded.labels(reason).inc()

    def guard(self, guard: str, decision: str) -> None:
        """Count one decision of a guard."""
        self._guards.labels(guard, decision).inc()

    def access_refused(self, agent: str, tool: str, kind: str) -> None:
        """Count one refusal; names of tools that the agent does not have are one: `other`."""
        self._refusals.labels(agent, tool, kind).inc()

    def refused_caller(self, reason: str) -> None:
        """Count one request whose caller was not let in."""
        self._refused_callers.labels(reason).inc()

    def limit_reached(self, limit: str, mode: str) -> None:
        """Count one request beyond a limit."""
        self._limits.labels(limit, mode).inc()

    def request(self, route: str | None, status: int | None, seconds: float) -> None:
        """Count one request; paths that are no route of ours are one, whatever they say."""
        status_class = f"{status // 100}xx" if status else "none"
        self._requests.labels(route or "other", status_class).observe(seconds)

    def failure(self, room: Room, part: str) -> None:
        """Count one failure; `part` is a name of ours: of an agent, a model, an allowed host."""
        self._failures.labels(room, part).inc()

    def answer(self, degraded: bool) -> None:
        """Count one answer that leaves."""
        self._answers.labels("true" if degraded else "false").inc()

    def agent_run(self, agent: str, status: str, seconds: float) -> None:
        """Count one task of one agent."""
        self._agents.labels(agent, status).observe(seconds)

    def source_call(
        self, host: str, outcome: Literal["ok", "failed", "refused", "cut"], seconds: float
    ) -> None:
        """Count one call of a data source; hosts that no policy names are one: `other`."""
        self._sources.labels(host, outcome).observe(seconds)

    def feedback(self, rating: str) -> None:
        """Count one rating: `up`, `down`, or 1 to 5."""
        self._feedback.labels(rating).inc()

    def spans_dropped(self, reason: Literal["queue_full", "not_sent"], count: int) -> None:
        """Count spans that reached no collector."""
        self._spans_dropped.labels(reason).inc(count)

    def ready(self, parts: Mapping[str, bool]) -> None:
        """Tell which parts can be used now."""
        for part, is_ready in parts.items():
            self._ready.labels(part).set(is_ready)

    @contextmanager
    def waiting(self, queue: str) -> Iterator[None]:
        """Count one as waiting while entered."""
        gauge = self._waiting.labels(queue)
        gauge.inc()
        try:
            yield
        finally:
            gauge.dec()

    def quota(self, limit: str, used_ratio: float) -> None:
        """Tell how much of a quota of the whole service is used."""
        self._quota.labels(limit).set(used_ratio)

    def text(self) -> bytes:
        """Everything, as Prometheus reads it; of all workers where there are several."""
        return generate_latest(Workers.all() or self.registry)


METRICS: Final = Metrics()
"""The process's own. What it counts survives a restart of the service inside of one process."""

REGISTRY: Final = METRICS.registry
"""For counters of the owner's own: `Counter(name, about, labels, registry=harness.REGISTRY)`."""
