"""`/metrics` tells a collector what happened, by our own names only."""

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.types import Message

from harness.project import Project
from harness.settings import Settings
from harness.telemetry.metrics import REGISTRY
from tests.conftest import Door


async def labels_of(client: httpx2.AsyncClient, name: str) -> list[dict[str, str]]:
    text = (await client.get("/metrics")).text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    return [sample.labels for sample in families[name].samples]


async def samples_of(client: httpx2.AsyncClient) -> dict[str, float]:
    """Every sample by its name and sorted labels."""
    text = (await client.get("/metrics")).text
    samples = {}
    for family in text_string_to_metric_families(text):
        for it in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(it.labels.items()))
            samples[it.name + "{" + labels + "}"] = it.value
    return samples


@pytest.mark.checklist("OBS-4")
async def test_a_request_is_counted_by_its_route(client: httpx2.AsyncClient) -> None:
    await client.post("/v1/chat", json={"message": "How high is Everest?"})

    answer = await client.get("/metrics")

    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    counted = await labels_of(client, "http_request_seconds")
    assert {("/v1/chat", "2xx")} <= {(it["route"], it["status"]) for it in counted}
    calls = await labels_of(client, "llm_calls")
    assert {"role": "planner", "model": "embedded", "outcome": "ok"} in calls


async def test_paths_that_callers_invent_are_one_label(client: httpx2.AsyncClient) -> None:
    for number in range(20):
        await client.get(f"/invented/{number}")

    routes = {it["route"] for it in await labels_of(client, "http_request_seconds")}
    assert "other" in routes
    assert not [route for route in routes if "invented" in route]


@pytest.mark.slow
@pytest.mark.checklist("OBS-2")
async def test_ten_thousand_invented_paths_methods_and_hosts_are_few_series(door: Door) -> None:
    client = await door.open(Settings(database_url="memory://", log_level="ERROR"))
    before = await samples_of(client)

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(_: Message) -> None:
        """Nobody reads the answers."""

    for number in range(3400):  # without a client, which would be the slow part
        for method, path in ((f"M{number}", "/healthz"), ("GET", f"/invented/{number}"), ("GET", "/healthz")):
            headers = [(b"host", b"h%d.example" % number)]
            scope = {"type": "http", "method": method, "path": path, "headers": headers}
            await door.app({**scope, "http_version": "1.1", "query_string": b""}, receive, send)

    after = await samples_of(client)
    assert len(after) < len(before) + 100
    assert not [name for name in after if "invented" in name or ".example" in name or "M1" in name]
    answered = 'http_request_seconds_count{route="/healthz",status="2xx"}'
    assert after[answered] - before.get(answered, 0) == 3400


@pytest.mark.checklist("OBS-2")
async def test_what_failed_is_counted_by_its_room(client: httpx2.AsyncClient) -> None:
    before = await samples_of(client)
    await client.post("/v1/chat", json={"message": "Tides in Vigo"})
    await client.post("/v1/chat", json={"message": "How many moons has Mars?"})

    grown = {key: value - before.get(key, 0) for key, value in (await samples_of(client)).items()}
    assert grown['failures_total{part="flaky",room="agents"}'] == 1
    assert grown['agent_run_seconds_count{agent="flaky",status="missing"}'] == 1
    assert grown['agent_run_seconds_count{agent="moons",status="answered"}'] == 1
    assert grown['answers_total{degraded="true"}'] == 1
    assert grown['answers_total{degraded="false"}'] == 1


@pytest.mark.checklist("OBS-5")
async def test_a_store_that_is_away_is_seen_without_a_probe(door: Door) -> None:
    client = await door.open()
    assert (await samples_of(client))['ready{part="service"}'] == 1

    door.running.store.is_healthy = _no  # type: ignore[method-assign]

    parts = await samples_of(client)
    assert parts['ready{part="service"}'] == parts['ready{part="store"}'] == 0
    assert parts['ready{part="model"}'] == 1


async def _no() -> bool:
    return False


async def test_it_is_no_part_of_the_promised_interface(client: httpx2.AsyncClient) -> None:
    assert "/metrics" not in (await client.get("/openapi.json")).json()["paths"]


async def test_every_reason_of_a_degraded_answer_is_counted(client: httpx2.AsyncClient) -> None:
    reply = (await client.post("/v1/chat", json={"message": "Tides in Vigo"})).json()
    assert reply["degraded_because"] == ["source_unavailable"]
    assert {"reason": "source_unavailable"} in await labels_of(client, "answers_degraded")


def ready(part: str) -> float | None:
    return REGISTRY.get_sample_value("ready", {"part": part})


@pytest.mark.checklist("OBS-5")
async def test_a_probe_sets_the_gauges_too(door: Door) -> None:
    client = await door.open()
    await client.get("/readyz")
    assert (ready("service"), ready("store"), ready("limits")) == (1, 1, 1)
    door.running.store.is_healthy = _no  # type: ignore[method-assign]
    assert (await client.get("/readyz")).status_code == 503
    assert (ready("service"), ready("store"), ready("limits")) == (0, 0, 1)


async def test_what_runs_here_is_told(door: Door) -> None:
    client = await door.open(Settings(database_url="memory://", commit="4711abc"))
    built = await labels_of(client, "build_info")
    assert {"version": Project.load().version, "commit": "4711abc"} in built
