"""`/metrics` tells a collector what happened, by our own names only."""

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families


async def labels_of(client: httpx2.AsyncClient, name: str) -> list[dict[str, str]]:
    text = (await client.get("/metrics")).text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    return [sample.labels for sample in families[name].samples]


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


async def test_it_is_no_part_of_the_promised_interface(client: httpx2.AsyncClient) -> None:
    assert "/metrics" not in (await client.get("/openapi.json")).json()["paths"]


async def test_every_reason_of_a_degraded_answer_is_counted(client: httpx2.AsyncClient) -> None:
    reply = (await client.post("/v1/chat", json={"message": "Tides in Vigo"})).json()
    assert reply["degraded_because"] == ["source_unavailable"]
    assert {"reason": "source_unavailable"} in await labels_of(client, "answers_degraded")
