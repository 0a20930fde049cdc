"""Tests of `image` and `rollback`."""

import json
import shutil
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.harness.container.machine import ON_HOST, Checkout, Container, container, free_port
from tools.containers import Missing, Service, Source, ask, is_podman

# The image, built and run for real with Docker or podman: who it runs as, what it may, what it answers.


@pytest.fixture(scope="module")
def running(engine: str, image: str) -> Iterator[Container]:
    with container(engine, image) as started:
        print(f"\nfirst answer after {started.start_seconds:.1f} s")  # noqa: T201  # to read
        yield started


@pytest.mark.xdist_group("containers")
@pytest.mark.checklist("DEP-1")
def test_it_answers_a_question(running: Container) -> None:
    body = {"message": "What are your opening hours on Saturday?", "thread_id": "t1"}
    reply = running.client.post("/v1/chat", json=body)
    assert reply.status_code == 200, reply.text
    assert reply.json()["answer"]
    assert len(running.client.get("/v1/threads/t1").json()["messages"]) == 2
    assert running.wait("/readyz")["status"] == "ready"


@pytest.mark.xdist_group("containers")
@pytest.mark.checklist("DEP-2")
def test_it_tells_its_version_and_commit(running: Container, checkout: Checkout) -> None:
    commit = Source.of(checkout.folder).commit
    told = running.wait("/version")
    assert (told["version"], told["commit"]) == (Checkout.VERSIONS[0], commit)
    (facts,) = json.loads(ask(running.engine, "inspect", running.name))
    labels = facts["Config"]["Labels"]
    assert labels["org.opencontainers.image.version"] == Checkout.VERSIONS[0]
    assert labels["org.opencontainers.image.revision"] == commit
    assert labels["org.opencontainers.image.source"].startswith("https://")


@pytest.mark.xdist_group("containers")
@pytest.mark.checklist("PERM-4", "PERM-1")
def test_it_is_nobody_and_has_no_capability_nor_a_way_to_one(running: Container) -> None:
    status = running.inside("cat", "/proc/1/status").stdout
    facts = {key: value.split() for key, _, value in (it.partition(":") for it in status.splitlines())}
    assert facts["Uid"] == ["10001"] * 4
    assert facts["Gid"] == ["10001"] * 4
    for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(facts[kind][0], 16) == 0, kind
    assert facts["NoNewPrivs"] == ["1"]


@pytest.mark.xdist_group("containers")
@pytest.mark.checklist("PERM-4", "DEP-1")
@pytest.mark.parametrize("folder", ["/", "/etc", "/srv", "/srv/data", "/opt/app", "/opt/service"])
def test_its_root_is_read_only(running: Container, folder: str) -> None:
    written = running.inside("python", "-c", f"open('{folder}/x', 'w')")
    assert written.returncode == 1
    assert "Read-only file system" in written.stderr


@pytest.mark.xdist_group("containers")
def test_what_it_keeps_and_what_is_passing_may_be_written(running: Container) -> None:
    for folder in ("/srv/var", "/tmp"):
        written = running.inside("python", "-c", f"open('{folder}/x', 'w').write('x')")
        assert (written.returncode, written.stderr) == (0, ""), folder


@pytest.mark.xdist_group("containers")
@pytest.mark.parametrize("program", ["uv", "pip", "gcc", "curl"])
def test_it_brings_no_tool_to_fetch_or_build_more(running: Container, program: str) -> None:
    script = f"import os, shutil, sys; sys.exit(bool(shutil.which('{program}', path='/opt/app/bin')))"
    assert running.inside("python", "-c", script).returncode == 0
    if program == "pip":
        assert "No module named pip" in running.inside("/opt/app/bin/python", "-m", "pip").stderr


@pytest.mark.xdist_group("containers")
@pytest.mark.checklist("DEP-1")
def test_its_own_health_check_tells_an_answer_from_none(running: Container, image: str) -> None:
    (facts,) = json.loads(ask(running.engine, "image", "inspect", image))
    kind, *command = (facts["Config"].get("Healthcheck") or facts["Healthcheck"])["Test"]
    assert kind == "CMD"
    assert running.inside(*command).returncode == 0
    assert running.inside("env", "PORT=9", *command).returncode == 1


@pytest.mark.xdist_group("containers")
@pytest.mark.checklist("DEP-1")
def test_the_same_tree_gives_the_same_bytes_again(checkout: Checkout, image: str) -> None:
    layers, files = checkout.layers(image), checkout.files(image)
    assert checkout.build(Checkout.VERSIONS[0], "--no-cache") == image
    assert len(layers) > 1
    assert len(files) > 1000
    assert checkout.files(image) == files
    if is_podman(checkout.engine):  # Docker's builder dates the folders that a command makes
        assert checkout.layers(image) == layers


@pytest.mark.xdist_group("containers")
def test_it_is_told_to_end_and_ends_in_order(engine: str, image: str) -> None:
    with container(engine, image) as ended:
        ask(engine, "stop", "--time", "30", ended.name)
        (facts,) = json.loads(ask(engine, "inspect", ended.name))
        assert facts["State"]["ExitCode"] == 0
        assert '"event":"ending"' in ended.log


# Two releases and the way back, with the commands that an operator gives.

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


@pytest.mark.xdist_group("containers")
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
    assert operator.asked() == ["What are your opening hours on Saturday?", "And on Sunday?", "Where is the shop?"]

    assert operator.refused("tools.rollback").endswith(f"there is no release before {first}")
    assert "9.9.9 was never released" in operator.refused("tools.rollback", "9.9.9")
    assert operator.version() == first
    operator.do("tools.rollback", second)
    assert operator.version() == second
