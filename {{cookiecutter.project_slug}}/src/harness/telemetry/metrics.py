"""The service's Prometheus metrics. Every label has few values: never a caller's text.

One registry a process, as there is one log. Several worker processes count in files of one folder,
and each of them answers for all (`Workers`). What is counted survives a restart of the service
inside of one process.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Final, Self

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

REGISTRY: Final = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)
counter = partial(Counter, registry=REGISTRY)
gauge = partial(Gauge, registry=REGISTRY)
histogram = partial(Histogram, registry=REGISTRY)

LLM_CALLS: Final = counter(
    "llm_calls",
    "Model calls by outcome: ok, cancelled, asked, failed, or why they failed.",
    ("role", "model", "outcome"),
)
LLM_LATENCY: Final = histogram(
    "llm_latency_seconds",
    "Time from a model call's start to its end.",
    ("role", "model"),
    # From a small local model to LLM_TIMEOUT_SECONDS and beyond.
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40),
)
LLM_TOKENS: Final = counter("llm_tokens", "Tokens as the providers count them.", ("role", "model", "direction"))
LLM_COST: Final = counter(
    "llm_cost_usd", "US dollars by LLM_PRICES; models without a price add nothing.", ("role", "model")
)
LLM_BREAKER_STATE: Final = gauge(
    "llm_breaker_state",
    "0 closed, 1 half-open, 2 open, as of the last call.",
    ("model",),
    multiprocess_mode="livemax",  # what the worst worker sees
)
LLM_FALLBACKS: Final = counter(
    "llm_fallbacks",
    "Calls that went on to the next model of the chain, by the model that failed.",
    ("role", "model", "reason"),
)
ANSWERS_DEGRADED: Final = counter(
    "answers_degraded", "Reasons of degraded answers; an answer may have several.", ("reason",)
)
GUARD_DECISIONS: Final = counter(
    "guard_decisions",
    "What guards decided other than to let through; `failed` is a guard that broke.",
    ("guard", "decision"),
)
BREAKABLE_GUARDS: Final = ("detector", "grounding_judge", "outbound")
"""Those that say `failed` when they break. Counted from 0: a series that begins with 1 has not increased."""
for guard in BREAKABLE_GUARDS:
    GUARD_DECISIONS.labels(guard, "failed")
ACCESS_REFUSED: Final = counter(
    "access_refused",
    "What agents reached for outside their policy, by the kind of thing.",
    ("agent", "tool", "kind"),  # tools that the agent does not have are one: `other`
)
CALLERS_REFUSED: Final = counter("callers_refused", "Requests of callers that were not let in, by reason.", ("reason",))
LIMITS_REACHED: Final = counter(
    "limits_reached",
    "Requests beyond a rate or a quota: refused (enforce), or let through (observe).",
    ("limit", "mode"),
)
_REQUEST_SECONDS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
"""From an answer without a model to the longest deadline."""
HTTP_REQUESTS: Final = histogram(
    "http_request_seconds",
    "Time from a request's first byte to its answer's last.",
    ("route", "status"),  # paths that are no route of ours are one: `other`; 2xx, or `none`
    buckets=_REQUEST_SECONDS,
)
REQUESTS_RUNNING: Final = gauge("requests_running", "Requests under way, probes included.", multiprocess_mode="livesum")
FAILURES: Final = counter(
    "failures",
    "What failed, by room of the package and part of it: an agent, a host, a model, a guard.",
    ("room", "part"),
)
ANSWERS: Final = counter("answers", "Answers that left, by whether they were lesser ones.", ("degraded",))
AGENT_RUNS: Final = histogram(
    "agent_run_seconds",
    "Time of one agent on one task, by how it ended.",
    ("agent", "status"),
    buckets=_REQUEST_SECONDS,
)
SOURCE_CALLS: Final = histogram(
    "source_call_seconds",
    "Time of one call of a data source, retries included. Outcome: ok, failed, refused, cut.",
    ("host", "outcome"),  # hosts that no policy names are one: `other`
    # From a source nearby to DATA_TIMEOUT_SECONDS and beyond.
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
FEEDBACK: Final = counter("feedback", "Ratings of answers; one that is changed counts again.", ("rating",))
READY: Final = gauge(
    "ready",
    "1 where a part can be used now: service, store, model, limits, callers.",
    ("part",),
    multiprocess_mode="livemostrecent",
)
QUEUE_LENGTH: Final = gauge(
    "queue_length",
    "Who waits now: messages for a place or for their thread, calls for a place of a model.",
    ("queue",),
    multiprocess_mode="livesum",
)
QUOTA_USED: Final = gauge(
    "quota_used_ratio",
    "How much of a quota of the whole service is used, as of the last message.",
    ("limit",),
    multiprocess_mode="livemostrecent",
)
SPANS_DROPPED: Final = counter(
    "trace_spans_dropped", "Spans that reached no collector: queue_full, not_sent.", ("reason",)
)
LOG_LINES_DROPPED: Final = counter(
    "log_lines_dropped", "Log lines that nobody read: queue_full, not_written.", ("reason",)
)
BUILD_INFO: Final = gauge("build_info", "What runs here.", ("version", "commit"), multiprocess_mode="livemax")


@dataclass(frozen=True, slots=True)
class Workers:
    """The folder in which processes of one service count.

    What a process that died has counted stays in the sum; its gauges do not.
    Figures of a single process (memory, CPU, garbage collection) are not in it.
    """

    VARIABLE: ClassVar = "PROMETHEUS_MULTIPROC_DIR"
    """What prometheus_client asks for when it is imported; its workers inherit it from us."""

    folder: str

    @classmethod
    @contextmanager
    def counting(cls) -> Iterator[Self]:
        """Processes that are started while entered count together."""
        with tempfile.TemporaryDirectory(prefix="metrics-") as folder:
            os.putenv(cls.VARIABLE, folder)  # for the children; this process has imported it
            try:
                yield cls(folder)
            finally:
                os.unsetenv(cls.VARIABLE)

    def mark_dead(self, pid: int) -> None:
        """Drop the gauges of a process that is gone."""
        mark_process_dead(pid, self.folder)  # type: ignore[no-untyped-call]

    @staticmethod
    def all() -> CollectorRegistry | None:
        """The sums over all workers; None in a process that counts for itself."""
        registry = CollectorRegistry()
        try:
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        except ValueError:  # no folder
            return None
        return registry
