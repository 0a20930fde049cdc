from typing import Any

import httpx2
import pytest

from harness.settings import Settings
from tests.conftest import Door


async def document(client: httpx2.AsyncClient) -> dict[str, Any]:
    return dict((await client.get("/openapi.json")).json())


async def test_every_door_that_reads_a_body_declares_its_problems(
    client: httpx2.AsyncClient,
) -> None:
    found = await document(client)
    posts = {path: item["post"] for path, item in found["paths"].items() if "post" in item}
    decisions = "/v1/threads/{thread_id}/approvals/{approval_id}"
    assert set(posts) == {"/v1/chat", "/v1/chat/stream", "/v1/feedback", decisions}
    for operation in posts.values():
        for status in ("408", "413", "422", "500"):
            content = operation["responses"][status]["content"]
            schema = content["application/problem+json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/Problem"}
    assert "HTTPValidationError" not in found["components"]["schemas"]


async def test_every_route_declares_the_unforeseen_failure(client: httpx2.AsyncClient) -> None:
    for path, item in (await document(client))["paths"].items():
        for operation in item.values():
            assert "500" in operation["responses"], path


async def test_the_stream_is_declared_as_events(client: httpx2.AsyncClient) -> None:
    stream = (await document(client))["paths"]["/v1/chat/stream"]["post"]
    assert list(stream["responses"]["200"]["content"]) == ["text/event-stream"]


@pytest.mark.parametrize(
    ("language", "message"),
    [
        ("en", "How many moons has Mars? How high is Everest?"),
        ("es", "¿Cuántas lunas tiene Marte? ¿Cuánto mide el Everest?"),
    ],
)
async def test_examples_are_in_the_services_language_and_work(
    door: Door, language: str, message: str
) -> None:
    client = await door.open(Settings(database_url="memory://", language=language))
    schemas = (await document(client))["components"]["schemas"]
    assert schemas["ChatRequest"]["example"] == {"message": message}
    assert schemas["Reply"]["example"]["language"] == language
    answer = await client.post("/v1/chat", json=schemas["ChatRequest"]["example"])
    assert [agent["name"] for agent in answer.json()["agents"]] == ["moons", "heights"]


async def test_the_longest_message_is_the_one_of_the_settings(door: Door) -> None:
    client = await door.open(Settings(database_url="memory://", message_max_chars=77))
    message = (await document(client))["components"]["schemas"]["ChatRequest"]["properties"]
    assert message["message"]["maxLength"] == 77


async def test_a_service_without_agents_is_described_too(door: Door) -> None:
    client = await door.open(agents=[])
    first, again = await document(client), await document(client)
    assert "example" not in first["components"]["schemas"]["ChatRequest"]
    assert first == again
