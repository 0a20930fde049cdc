"""Counters have few labels, all of them ours, and Prometheus can read them."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from harness.telemetry.metrics import Metrics


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


@pytest.mark.checklist("OBS-4")
def test_a_model_call_is_counted_with_its_time_tokens_and_money(metrics: Metrics) -> None:
    metrics.model_call("agent", "openai:m", "ok", 0.3)
    metrics.tokens("agent", "openai:m", 11, 7, 0.25)
    metrics.tokens("agent", "openai:m", 1, 1, None)

    who = {"role": "agent", "model": "openai:m"}
    assert value(metrics, "llm_calls_total", **who, outcome="ok") == 1
    assert value(metrics, "llm_latency_seconds_sum", **who) == 0.3
    assert value(metrics, "llm_tokens_total", **who, direction="input") == 12
    assert value(metrics, "llm_tokens_total", **who, direction="output") == 8
    assert value(metrics, "llm_cost_usd_total", **who) == 0.25


def test_the_build_is_one_line_however_often_it_is_told(metrics: Metrics) -> None:
    metrics.build("1.0.0", "a")
    metrics.build("1.1.0", "b")
    assert value(metrics, "build_info", version="1.1.0", commit="b") == 1
    assert value(metrics, "build_info", version="1.0.0", commit="a") is None


def test_the_state_of_a_breaker_is_a_number(metrics: Metrics) -> None:
    states = ("open", "half_open", "closed")
    seen = []
    for state in states:
        metrics.breaker("openai:m", state)  # type: ignore[arg-type]  # one of its literals
        seen.append(value(metrics, "llm_breaker_state", model="openai:m"))

    assert seen == [2, 1, 0]


def test_fallbacks_and_degraded_answers_are_counted_by_reason(metrics: Metrics) -> None:
    metrics.fallback("writer", "openai:m", "timeout")
    metrics.degraded("not_saved")

    labels = {"role": "writer", "model": "openai:m", "reason": "timeout"}
    assert value(metrics, "llm_fallbacks_total", **labels) == 1
    assert value(metrics, "answers_degraded_total", reason="not_saved") == 1


def test_requests_are_counted_by_route_and_class_of_status_and_never_by_path(
    metrics: Metrics,
) -> None:
    metrics.request("/v1/chat", 200, 0.1)
    metrics.request("/v1/chat", 204, 0.1)
    metrics.request(None, 404, 0.1)
    metrics.request("/v1/chat", None, 0.1)

    name = "http_request_seconds_count"
    assert value(metrics, name, route="/v1/chat", status="2xx") == 2
    assert value(metrics, name, route="other", status="4xx") == 1
    assert value(metrics, name, route="/v1/chat", status="none") == 1


def test_what_failed_is_counted_by_room_and_part(metrics: Metrics) -> None:
    metrics.failure("connectors", "other")
    metrics.agent_run("weather", "missing", 0.2)
    metrics.source_call("other", "failed", 0.2)

    assert value(metrics, "failures_total", room="connectors", part="other") == 1
    assert value(metrics, "agent_run_seconds_sum", agent="weather", status="missing") == 0.2
    assert value(metrics, "source_call_seconds_count", host="other", outcome="failed") == 1


def test_gauges_show_what_is_so_now(metrics: Metrics) -> None:
    with metrics.waiting("messages"):
        assert value(metrics, "queue_length", queue="messages") == 1
    assert value(metrics, "queue_length", queue="messages") == 0
    for is_ready in (True, False):
        metrics.ready({"store": is_ready})
        assert value(metrics, "ready", part="store") == is_ready
    metrics.quota("service-day-usd", 0.75)
    assert value(metrics, "quota_used_ratio", limit="service-day-usd") == 0.75


def test_answers_and_ratings_are_counted(metrics: Metrics) -> None:
    metrics.answer(degraded=True)
    metrics.feedback("up")
    assert value(metrics, "answers_total", degraded="true") == 1
    assert value(metrics, "feedback_total", rating="up") == 1


def test_the_text_is_what_prometheus_reads(metrics: Metrics) -> None:
    metrics.degraded("not_saved")

    families = {it.name for it in text_string_to_metric_families(metrics.text().decode())}
    assert {"answers_degraded", "llm_calls", "http_request_seconds"} <= families
