"""Figures reach the log in embedded metric format: as AWS wants it, few, and without secrets."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge
from pydantic import SecretStr

from harness.http.state import AppState
from harness.project import Project
from harness.settings import Settings
from harness.telemetry.formats.cloudwatch import CloudWatch, EmbeddedMetrics, Series
from harness.telemetry.logging import Logs
from harness.telemetry.metrics import ANSWERS_DEGRADED, READY, REGISTRY
from harness.telemetry.redaction import MASK
from tests.conftest import Door, Lines

pytestmark = pytest.mark.checklist("OBS-3", "PLAT-1")

UNITS = {"Count", "None"}
METRICS_MOST, DIMENSIONS_MOST, NAME_CHARS, LINE_BYTES = 100, 30, 1024, 16_000
"""Of AWS's specification; a line beyond 16 kB would be cut by Docker."""

SERIES_MOST = 100
"""Metrics of one service, each of which is paid for: 70 by itself, and what other tests have left in this process."""


class Document:
    """One line, held to AWS's specification of the format."""

    def __init__(self, line: Mapping[str, Any]) -> None:
        about = line["_aws"]
        assert about.keys() == {"Timestamp", "CloudWatchMetrics"}
        assert isinstance(about["Timestamp"], int)
        (directive,) = about["CloudWatchMetrics"]
        assert directive.keys() == {"Namespace", "Dimensions", "Metrics"}
        assert 0 < len(directive["Namespace"]) <= NAME_CHARS
        assert 0 < len(directive["Metrics"]) <= METRICS_MOST
        for metric in directive["Metrics"]:
            assert metric.keys() == {"Name", "Unit"}
            assert metric["Unit"] in UNITS
            assert isinstance(line[metric["Name"]], int | float)
        for dimensions in directive["Dimensions"]:
            assert len(dimensions) <= DIMENSIONS_MOST
            for name in dimensions:
                assert isinstance(line[name], str)
                assert line[name].strip().isascii()
        self.namespace = directive["Namespace"]
        self.figures: dict[tuple[str, tuple[str, ...]], float] = {
            (metric["Name"], tuple(line[it] for it in dimensions)): line[metric["Name"]]
            for metric in directive["Metrics"]
            for dimensions in directive["Dimensions"]
        }


def documents(lines: Lines) -> Iterator[Document]:
    for line in lines.named("metrics"):
        assert len(str(line)) < LINE_BYTES
        yield Document(line)


async def test_what_a_service_did_is_told_at_its_end_whatever_the_level(door: Door, lines: Lines) -> None:
    settings = Settings(database_url="memory://", log_format="cloudwatch", log_level="ERROR")
    client = await door.open(settings)
    await client.get("/readyz")
    for message in ("How many moons has Mars?", "Tides in Vigo"):
        await client.post("/v1/chat", json={"message": message, "thread_id": "t1"})
    door.running.shutdown.cancel_all()
    answer = await client.post("/v1/chat", json={"message": "How many moons has Mars?", "thread_id": "t1"})
    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    await door.close()
    found = [*documents(lines)]
    figures = {key: value for it in found for key, value in it.figures.items()}
    assert {it.namespace for it in found} == {Project.load().name}
    assert figures["http_request_seconds_count", ("2xx",)] == 2
    assert figures["http_request_seconds_count", ("5xx",)] == 1
    assert figures["http_request_seconds_bucket", ("+Inf",)] == 3
    assert figures["ready", ("store",)] == 1
    assert figures["guard_decisions_total", ("failed",)] == 0
    assert len(figures) <= SERIES_MOST


async def test_figures_are_told_each_interval_with_fresh_gauges(
    door: Door, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CloudWatch, "SECONDS", 0.001)
    READY.clear()
    renewed, parts = asyncio.Event(), AppState.parts

    async def seen(self: AppState) -> dict[str, bool]:
        if REGISTRY.get_sample_value("ready", {"part": "service"}):
            renewed.set()
        return await parts(self)

    monkeypatch.setattr(AppState, "parts", seen)
    await door.open(Settings(database_url="memory://", log_format="cloudwatch"))
    async with asyncio.timeout(10):
        await renewed.wait()
    await door.close()
    assert any(("ready", ("service",)) in it.figures for it in documents(lines))


async def test_a_gauge_that_cannot_be_renewed_is_logged_and_the_next_interval_comes(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CloudWatch, "SECONDS", 0.001)
    twice = asyncio.Event()
    calls: list[int] = []

    async def refresh() -> None:
        calls.append(1)
        if len(calls) > 1:
            twice.set()
        raise ConnectionError

    settings = Settings(log_format="cloudwatch")
    with Logs(settings) as logs:
        async with logs.reporting(refresh):
            await twice.wait()
    assert lines.named("metrics_not_told")


async def test_a_secret_in_a_label_is_masked(door: Door, lines: Lines) -> None:
    secret = "planted-" + "s3cret"
    settings = Settings(database_url="memory://", log_format="cloudwatch", llm_api_key=SecretStr(secret))
    await door.open(settings)
    ANSWERS_DEGRADED.labels(secret).inc()
    await door.close()
    ANSWERS_DEGRADED.remove(secret)
    assert any(("answers_degraded_total", (MASK,)) in it.figures for it in documents(lines))
    assert secret not in lines.text


def told(registry: CollectorRegistry, metrics: EmbeddedMetrics) -> dict[Any, float]:
    return {key: value for it in metrics.documents() for key, value in Document(it).figures.items()}


def test_a_counter_tells_what_was_added_and_a_gauge_the_worst_of_its_labels() -> None:
    registry = CollectorRegistry()
    calls = Counter("llm_calls", "x", ("role", "model", "outcome"), registry=registry)
    breaker = Gauge("llm_breaker_state", "x", ("model",), registry=registry)
    calls.labels("agent", "a", "ok").inc(5)
    metrics = EmbeddedMetrics("desk", registry)
    calls.labels("agent", "a", "ok").inc(2)
    calls.labels("writer", "b", "ok").inc()
    breaker.labels("a").set(2)
    breaker.labels("b").set(0)
    assert told(registry, metrics) == {("llm_calls_total", ("ok",)): 3, ("llm_breaker_state", ()): 2}
    assert told(registry, metrics) == {("llm_calls_total", ("ok",)): 0, ("llm_breaker_state", ()): 2}


def test_every_figure_of_the_list_is_one_of_the_registry_with_these_labels() -> None:
    kinds = {"counter": {"_total"}, "histogram": {"_count", "_bucket"}, "gauge": {""}}
    families = {family.name + end: family for family in REGISTRY.collect() for end in kinds.get(family.type, ())}
    for series in Series.load():
        family = families[series.name]
        assert (series.combine is None) == (family.type != "gauge"), series.name
        collector: Any = REGISTRY._names_to_collectors[series.name]  # it has no public name
        labels = {*collector._labelnames, "le"}
        assert all(set(it) <= set(series.labels) for it in series.dimensions), series.name
        assert {*series.labels, *series.only} <= labels, series.name


FEW = {"degraded", "decision", "direction", "le", "outcome", "part", "reason", "room", "status"}
"""Labels whose values are ours: no model, host, agent, route or anything that a caller wrote."""


def test_dimensions_are_labels_with_few_values() -> None:
    assert {label for series in Series.load() for label in series.labels} <= FEW
    assert all(re.fullmatch(r"\w+", series.name) for series in Series.load())
