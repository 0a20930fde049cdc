"""What is asked of the engine about what runs; a shell script stands for Docker."""

import os
import sys
from pathlib import Path

import pytest

from tools.containers import Compose, Engine
from tools.containers.__main__ import Commands
from tools.containers.secrets import Secrets

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the engine is a shell script here")

ENGINE = """\
#!/bin/sh
echo "$* profiles=$COMPOSE_PROFILES" >> "{asked}"
case "$1" in
    --version) echo "${{ENGINE_VERSION:-Docker version 28.2.2, build e6534b4}}" ;;
    ps) echo "$RUNNING" ;;
    inspect) echo registry.example.com:5000/shop:1.1.0 ;;
    run) printf 'Key, shown this once: ak_1\\nLine for API_KEYS_FILE: {{}}\\n' ;;
esac
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose container 5f3a runs."""
    program = tmp_path / "bin" / "docker"
    program.parent.mkdir()
    program.write_text(ENGINE.format(asked=tmp_path / "asked"), encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("RUNNING", "5f3a")
    names = ("IMAGE", "PORT", "CONTAINER_ENGINE", "COMPOSE_PROJECT_NAME", "COMPOSE_PROFILES")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "src/app").mkdir(parents=True)
    (tmp_path / "src/app/project.json").write_text('{"name": "shop"}', encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "2.0.0"\n', encoding="utf-8")
    return tmp_path


def compose(folder: Path) -> Compose:
    return Compose(Engine.find(), folder)


def asked(folder: Path) -> list[str]:
    return (folder / "asked").read_text(encoding="utf-8").splitlines()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("version", "is_podman"),
    [
        ("Docker version 28.2.2, build e6534b4", False),
        ("podman version 5.1.0", True),  # the script of the package podman-docker
        ("docker version 5.1.0", True),  # a link to podman
    ],
)
def test_a_podman_that_is_called_docker_is_podman(
    monkeypatch: pytest.MonkeyPatch, version: str, is_podman: bool
) -> None:
    monkeypatch.setenv("ENGINE_VERSION", version)
    assert Engine.find().is_podman is is_podman


def test_what_runs_is_told_by_its_container_though_its_tag_has_moved(folder: Path) -> None:
    assert compose(folder).running_tag() == "1.1.0"
    assert asked(folder)[-1].startswith("inspect --format {{.Config.Image}} 5f3a")


def test_nothing_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNNING", "")
    assert compose(folder).running_tag() == ""


def test_port_and_project_are_of_the_file_that_compose_reads_unless_the_environment_has_them(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert compose(folder).port == 8000
    text = "# PORT=1\nPORT=8001\nexport PORT = 8002 # ours\nCOMPOSE_PROJECT_NAME='desk'\nX_PORT=3\n"
    (folder / ".env").write_text(text, encoding="utf-8")
    assert compose(folder).port == 8002
    compose(folder).running_tag()
    assert "--filter=label=com.docker.compose.project=desk " in asked(folder)[-2]
    monkeypatch.setenv("PORT", "8003")
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "other")
    assert compose(folder).port == 8003
    compose(folder).running_tag()
    assert "--filter=label=com.docker.compose.project=other " in asked(folder)[-2]


def test_what_watches_is_stopped_as_well(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compose(folder).down()
    assert asked(folder)[-1] == "compose down profiles=monitoring"
    monkeypatch.setenv("COMPOSE_PROFILES", "mine")
    compose(folder).down()
    assert asked(folder)[-1] == "compose down profiles=monitoring,mine"


@pytest.mark.parametrize(
    ("running", "image"),
    [("5f3a", "registry.example.com:5000/shop:1.1.0"), ("", "shop:2.0.0-unknown")],
)
def test_a_key_is_made_by_the_image_that_runs_or_else_by_that_of_these_files(
    folder: Path, monkeypatch: pytest.MonkeyPatch, running: str, image: str
) -> None:
    monkeypatch.setenv("RUNNING", running)
    Secrets(folder).make()
    Commands(folder).key("me", [])
    assert f" {image} keys new --name me " in asked(folder)[-1]
