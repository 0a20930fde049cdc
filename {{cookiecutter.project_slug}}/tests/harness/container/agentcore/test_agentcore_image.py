"""The image as Bedrock AgentCore Runtime runs it: on port 8080, with no right at all."""

from collections.abc import Iterator

import pytest

from tests.harness.container.machine import ON_HOST, Container, free_port

PORT = 8080
SESSION = {"X-Amzn-Bedrock-AgentCore-Runtime-Session-Id": "s" * 33}

pytestmark = [pytest.mark.xdist_group("containers"), pytest.mark.checklist("DEP-1", "PERM-4")]


@pytest.fixture(scope="module")
def running(engine: str, image: str) -> Iterator[Container]:
    made = Container(engine, image, PORT if ON_HOST else free_port(), inside=PORT)
    try:
        made.start()
        yield made
    finally:
        made.remove()


def test_it_answers_invocations_and_pings(running: Container) -> None:
    assert running.wait("/ping")["status"] == "Healthy"
    body = {"prompt": "What are your opening hours on Saturday?"}
    whole = running.client.post("/invocations", json=body, headers=SESSION)
    assert (whole.status_code, bool(whole.json()["answer"])) == (200, True), whole.text
    streamed = running.client.post("/invocations", json=body, headers={**SESSION, "Accept": "text/event-stream"})
    assert streamed.text.strip().rpartition("event: ")[2].startswith("final\n")
    assert running.wait("/readyz")["status"] == "ready"
