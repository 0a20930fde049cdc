"""The image, built and run for real with Docker or podman: who it runs as, what it may, what it answers."""

import json
from collections.abc import Iterator

import pytest

from tests.harness.container.machine import Checkout, Container, container
from tools.containers import Source, ask, is_podman

pytestmark = pytest.mark.xdist_group("containers")


@pytest.fixture(scope="module")
def running(engine: str, image: str) -> Iterator[Container]:
    with container(engine, image) as started:
        print(f"\nfirst answer after {started.start_seconds:.1f} s")  # noqa: T201  # to read
        yield started


@pytest.mark.checklist("DEP-1")
def test_it_answers_a_question(running: Container) -> None:
    body = {"message": "What are your opening hours on Saturday?", "thread_id": "t1"}
    reply = running.client.post("/v1/chat", json=body)
    assert reply.status_code == 200, reply.text
    assert reply.json()["answer"]
    assert len(running.client.get("/v1/threads/t1").json()["messages"]) == 2
    assert running.wait("/readyz")["status"] == "ready"


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


@pytest.mark.checklist("PERM-4", "PERM-1")
def test_it_is_nobody_and_has_no_capability_nor_a_way_to_one(running: Container) -> None:
    status = running.inside("cat", "/proc/1/status").stdout
    facts = {
        key: value.split() for key, _, value in (it.partition(":") for it in status.splitlines())
    }
    assert facts["Uid"] == ["10001"] * 4
    assert facts["Gid"] == ["10001"] * 4
    for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(facts[kind][0], 16) == 0, kind
    assert facts["NoNewPrivs"] == ["1"]


@pytest.mark.checklist("PERM-4", "DEP-1")
@pytest.mark.parametrize("folder", ["/", "/etc", "/srv", "/srv/data", "/opt/app", "/opt/service"])
def test_its_root_is_read_only(running: Container, folder: str) -> None:
    written = running.inside("python", "-c", f"open('{folder}/x', 'w')")
    assert written.returncode == 1
    assert "Read-only file system" in written.stderr


def test_what_it_keeps_and_what_is_passing_may_be_written(running: Container) -> None:
    for folder in ("/srv/var", "/tmp"):
        written = running.inside("python", "-c", f"open('{folder}/x', 'w').write('x')")
        assert (written.returncode, written.stderr) == (0, ""), folder


@pytest.mark.parametrize("program", ["uv", "pip", "gcc", "curl"])
def test_it_brings_no_tool_to_fetch_or_build_more(running: Container, program: str) -> None:
    script = (
        f"import os, shutil, sys; sys.exit(bool(shutil.which('{program}', path='/opt/app/bin')))"
    )
    assert running.inside("python", "-c", script).returncode == 0
    if program == "pip":
        assert "No module named pip" in running.inside("/opt/app/bin/python", "-m", "pip").stderr


@pytest.mark.checklist("DEP-1")
def test_its_own_health_check_tells_an_answer_from_none(running: Container, image: str) -> None:
    (facts,) = json.loads(ask(running.engine, "image", "inspect", image))
    kind, *command = (facts["Config"].get("Healthcheck") or facts["Healthcheck"])["Test"]
    assert kind == "CMD"
    assert running.inside(*command).returncode == 0
    assert running.inside("env", "PORT=9", *command).returncode == 1


@pytest.mark.checklist("DEP-1")
def test_the_same_tree_gives_the_same_bytes_again(checkout: Checkout, image: str) -> None:
    layers, files = checkout.layers(image), checkout.files(image)
    assert checkout.build(Checkout.VERSIONS[0], "--no-cache") == image
    assert len(layers) > 1
    assert len(files) > 1000
    assert checkout.files(image) == files
    if is_podman(checkout.engine):  # Docker's builder dates the folders that a command makes
        assert checkout.layers(image) == layers


def test_it_is_told_to_end_and_ends_in_order(engine: str, image: str) -> None:
    with container(engine, image) as ended:
        ask(engine, "stop", "--time", "30", ended.name)
        (facts,) = json.loads(ask(engine, "inspect", ended.name))
        assert facts["State"]["ExitCode"] == 0
        assert '"event":"ending"' in ended.log
