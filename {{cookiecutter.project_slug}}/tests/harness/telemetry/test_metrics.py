"""Counters have few labels, all of them ours, and Prometheus can read them."""

from http import HTTPStatus

import pytest
from prometheus_client import Gauge
from prometheus_client.parser import text_string_to_metric_families

from harness.models.call_recorder import ModelCallRecorder, Prices
from harness.telemetry import metrics
from harness.telemetry.metrics import REGISTRY
from tests.conftest import Door

FEW_LABELS = 3


@pytest.mark.checklist("OBS-4")
def test_a_model_call_is_counted_with_its_time_tokens_and_money() -> None:
    role, model = "agent", "openai:counted"
    who = {"role": role, "model": model}
    prices = Prices({"openai:counted": (10_000, 20_000)})
    for used_in, used_out in ((11, 7), (1, 1)):
        call = ModelCallRecorder(role, model, prices)
        with call.record("How high is Everest?", None):
            call.add_tokens({"input_tokens": used_in, "output_tokens": used_out, "total_tokens": 0})

    def value(name: str, **labels: str) -> float | None:
        return REGISTRY.get_sample_value(name, {**who, **labels})

    assert value("llm_calls_total", outcome="ok") == 2
    assert value("llm_latency_seconds_count") == 2
    assert value("llm_tokens_total", direction="input") == 12
    assert value("llm_tokens_total", direction="output") == 8
    assert value("llm_cost_usd_total") == pytest.approx(0.28)


def test_every_metric_has_few_labels_and_is_in_the_one_registry() -> None:
    families = {name: it for name, it in vars(metrics).items() if hasattr(it, "_labelnames")}
    assert families
    for name, family in families.items():
        assert family._labelnames, name
        assert len(family._labelnames) <= FEW_LABELS, name
        assert family._name in {it.name for it in REGISTRY.collect()}, name


def test_each_gauge_says_how_several_workers_are_added_up() -> None:
    gauges = [it for it in vars(metrics).values() if isinstance(it, Gauge)]
    assert {it._multiprocess_mode for it in gauges} == {"livemax", "livemostrecent", "livesum"}


@pytest.mark.parametrize(
    ("path", "route", "status"), [("/healthz", "/healthz", "2xx"), ("/no/such", "other", "4xx")]
)
async def test_requests_are_counted_by_route_and_class_of_status_and_never_by_path(
    door: Door, path: str, route: str, status: str
) -> None:
    labels = {"route": route, "status": status}
    before = REGISTRY.get_sample_value("http_request_seconds_count", labels) or 0
    client = await door.open()
    await client.get(path)
    assert REGISTRY.get_sample_value("http_request_seconds_count", labels) == before + 1


async def test_the_text_is_what_prometheus_reads(door: Door) -> None:
    client = await door.open()
    reply = await client.get("/metrics")
    assert reply.status_code == HTTPStatus.OK
    families = {it.name for it in text_string_to_metric_families(reply.text)}
    assert {"answers_degraded", "llm_calls", "http_request_seconds", "build_info"} <= families
