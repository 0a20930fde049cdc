"""Every field that the index template or the Kibana dashboard names is in the lines of a running service."""

import json
import re
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import Any

import pytest

from harness.settings import Settings
from tests.conftest import Door, Lines
from tests.harness.monitoring import conftest as files
from tests.support.peers.collector import Collector

pytestmark = pytest.mark.checklist("OBS-3")

FOLDER = files.FOLDER / "elastic"

TRACED = find_spec("opentelemetry.exporter") is not None


def template_fields() -> set[str]:
    """The fields of the index template, dotted."""
    template = json.loads(files.text(FOLDER / "index-template.json"))

    def below(properties: Mapping[str, Any], path: str) -> Iterator[str]:
        for name, node in properties.items():
            if "properties" in node:
                yield from below(node["properties"], f"{path}{name}.")
            else:
                yield f"{path}{name}"

    return set(below(template["template"]["mappings"]["properties"], ""))


def dashboard() -> list[dict[str, Any]]:
    return [json.loads(it) for it in files.text(FOLDER / "dashboard.ndjson").splitlines()]


def dashboard_fields() -> set[str]:
    """The fields that panels, columns and queries of the dashboard name."""
    fields: set[str] = set()
    for saved in dashboard():
        about = saved["attributes"]
        fields |= set(about.get("columns", []))
        for agg in json.loads(about.get("visState", "{}")).get("aggs", []):
            fields |= {agg["params"]["field"]} if "field" in agg["params"] else set()
        source = json.loads(about.get("kibanaSavedObjectMeta", {}).get("searchSourceJSON", "{}"))
        fields |= set(re.findall(r"([\w.@]+):", source.get("query", {}).get("query", "")))
    return fields


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        yield collector


async def test_every_field_that_is_indexed_is_in_the_lines_of_a_running_service(
    door: Door, lines: Lines, collector: Collector
) -> None:
    options: dict[str, Any] = {"database_url": "memory://", "log_format": "ecs"}
    if TRACED:  # lines have a trace only then
        options["otel_exporter_otlp_endpoint"] = collector.url
    client = await door.open(Settings(**options))
    for message in ("How many moons has Mars?", "Tides in Vigo", "Star of Vega"):
        await client.post("/v1/chat", json={"message": message, "thread_id": "t1"})
    await door.close()

    written = [json.loads(it) for it in lines.text.splitlines()]
    found = {field for line in written for field in line}
    missing = template_fields() - found - (set() if TRACED else {"trace.id"})
    assert not missing
    request = next(it for it in written if it["message"] == "request")
    assert request["url.path"] == "/v1/chat"
    assert request["http.response.status_code"] == 200
    assert request["event.duration"] > 1_000_000


def test_every_field_of_the_dashboard_is_indexed() -> None:
    fields = dashboard_fields()
    assert {"event.action", "url.path", "error.type", "log.level"} <= fields
    assert fields <= template_fields()


def test_what_the_dashboard_refers_to_is_in_its_file() -> None:
    saved = {(it["type"], it["id"]) for it in dashboard()}
    for it in dashboard():
        assert {(ref["type"], ref["id"]) for ref in it["references"]} <= saved
