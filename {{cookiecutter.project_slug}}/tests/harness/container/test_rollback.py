"""Two releases and the way back, with the commands that an operator gives."""

import shutil
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.harness.container.machine import ON_HOST, Checkout, free_port
from tools.containers import Missing, Service

pytestmark = pytest.mark.xdist_group("containers")

SMALL = """
services:
  service:
    image: ${IMAGE}:${TAG}
    read_only: true
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    environment:
      ENVIRONMENT: production
      AUTHENTICATION: keys
      API_KEYS_FILE: /run/secrets/api-keys.jsonl
      USE_FAKE_DATA: "false"
      %(where)s
    secrets:
      - llm_api_key
      - {source: api_keys, target: api-keys.jsonl}
    tmpfs: ["/tmp:size=64m,mode=1777"]
    volumes: ["threads:/srv/var"]
volumes: {threads: {}}
secrets:
  llm_api_key: {file: ./secrets/llm_api_key}
  api_keys: {file: ./secrets/api-keys.jsonl}
"""
"""The service of compose.yaml without PostgreSQL and Redis: no registry is asked for them."""


class Operator:
    """Runs the project's commands on one compose project, and asks the service."""

    def __init__(self, checkout: Checkout) -> None:
        port = free_port()
        on_host = f"HOST: 127.0.0.1\n      PORT: '{port}'\n    network_mode: host"
        where = on_host if ON_HOST else f"X: y\n    ports: ['127.0.0.1:{port}:8000']"
        file = checkout.folder / "secrets" / "compose.yaml"  # a folder that git does not see
        self._checkout = checkout
        self._settings = {
            "COMPOSE_FILE": str(file),
            "COMPOSE_PROJECT_NAME": checkout.image.rpartition("/")[2],
            "PORT": str(port),
        }
        self.do("tools.compose_secrets", "make")
        text = (SMALL % {"where": where}).replace("./secrets/", "./")
        file.write_text(text, encoding="utf-8")
        told = self.do("tools.compose_secrets", "key", "operator")
        headers = {"Authorization": f"Bearer {told.split()[-1]}"}
        address = f"http://127.0.0.1:{port}"
        self._client = httpx2.Client(base_url=address, headers=headers, timeout=60)

    def do(self, *command: str) -> str:
        done = self._checkout.run(*command, **self._settings)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout.strip()

    def refused(self, *command: str) -> str:
        done = self._checkout.run(*command, **self._settings)
        assert done.returncode == 1
        return done.stderr.strip()

    def version(self) -> str:
        return str(self._client.get("/version").json()["version"])

    def ask(self, message: str) -> dict[str, Any]:
        reply = self._client.post("/v1/chat", json={"message": message, "thread_id": "t1"})
        assert reply.status_code == 200, reply.text
        return dict(reply.json())

    def asked(self) -> list[str]:
        messages = self._client.get("/v1/threads/t1").json()["messages"]
        return [it["text"] for it in messages if it["role"] == "user"]

    def close(self) -> None:
        self._client.close()
        checkout, project = self._checkout, self._settings["COMPOSE_PROJECT_NAME"]
        checkout.run("tools.containers", "down", **self._settings)
        checkout.forget("volume", f"{project}_threads")
        checkout.forget("network", f"{project}_default")


@pytest.fixture
def operator(checkout: Checkout, image: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Operator]:
    assert image
    monkeypatch.setenv("PATH", checkout.programs)
    try:
        Service(checkout.folder).compose()
    except Missing as missing:
        pytest.skip(str(missing))
    made = Operator(checkout)
    yield made
    made.close()
    shutil.rmtree(checkout.folder / "secrets")


@pytest.mark.checklist("DEP-3", "DEP-2")
def test_one_command_goes_back_to_the_release_before_and_conversations_go_on(
    operator: Operator, checkout: Checkout
) -> None:
    first, second = Checkout.VERSIONS
    checkout.release(second, "A second release")
    operator.do("tools.containers", "up", first)
    assert operator.version() == first
    operator.ask("What are your opening hours on Saturday?")

    operator.do("tools.containers", "up", second)
    assert operator.version() == second
    operator.ask("And on Sunday?")

    told = operator.do("tools.rollback").splitlines()[-1]
    assert told.startswith(f"{second} -> {first}, commit ")
    assert operator.version() == first
    operator.ask("Where is the shop?")
    assert operator.asked() == [
        "What are your opening hours on Saturday?",
        "And on Sunday?",
        "Where is the shop?",
    ]

    assert operator.refused("tools.rollback").endswith(f"there is no release before {first}")
    assert "9.9.9 was never released" in operator.refused("tools.rollback", "--to", "9.9.9")
    assert operator.version() == first
    operator.do("tools.rollback", "--to", second)
    assert operator.version() == second
