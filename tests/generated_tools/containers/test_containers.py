"""What the engine is asked to build and to run; a shell script stands for Docker."""

import os
import sys
from pathlib import Path

import pytest

from tests.generated_tools.repositories import Shop, shop  # noqa: F401  # a fixture
from tools import compose_secrets, containers
from tools.containers import Failed, Missing, Service, Source, is_podman

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the engine is a shell script here")

ENGINE = """\
#!/bin/sh
echo "$* profiles=$COMPOSE_PROFILES" >> "{asked}"
case "$1 $2" in
    "--version "*) echo "${{ENGINE_VERSION:-Docker version 28.2.2, build e6534b4}}" ;;
    "image inspect") case " $IMAGES " in *" $3 "*) exit 0 ;; *) exit 1 ;; esac ;;
    "ps "*) echo "$RUNNING" ;;
    "pull "*) exit 1 ;;
    "inspect "*) echo '[{{"Config": {{"Image": "registry.example.com:5000/shop:1.1.0"}}}}]' ;;
    "run "*) printf 'Key, shown this once: ak_1\\nLine for API_KEYS_FILE: {{"id":"1"}}\\n' ;;
esac
"""


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What it was asked, a line each."""
    program = tmp_path / "bin" / "docker"
    program.parent.mkdir()
    program.write_text(ENGINE.format(asked=tmp_path / "asked"), encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    for name in ("IMAGE", "BASE_IMAGE", "BUILD_OPTIONS", "CONTAINER_ENGINE", "PORT"):
        monkeypatch.delenv(name, raising=False)
    for name in ("COMPOSE_PROJECT_NAME", "COMPOSE_PROFILES"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "asked"


def asked(engine: Path, what: str) -> list[str]:
    lines = engine.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith(what)]


def test_only_what_a_tag_holds_is_called_like_a_release(shop: Shop) -> None:  # noqa: F811
    assert Source.of(shop.folder).tag.startswith("0.1.0-")
    shop.tag("0.1.0")
    assert Source.of(shop.folder).tag == "0.1.0"
    shop.write("new.txt", "x")
    changed = Source.of(shop.folder)
    assert changed.tag == f"0.1.0-{changed.commit}"
    assert changed.commit.endswith("-changed")
    shop.commit("More")
    assert Source.of(shop.folder).tag.startswith("0.1.0-")


def test_outside_git_the_commit_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.0.0"\n', encoding="utf-8")
    assert Source.of(tmp_path).tag == "1.0.0-unknown"


def test_a_release_is_built_from_its_tag_and_not_from_the_files(shop: Shop) -> None:  # noqa: F811
    shop.tag("0.1.0")
    commit = shop.git("rev-parse", "--short=12", "HEAD")
    shop.write("pyproject.toml", '[project]\nversion = "0.2.0"\n')
    with Source.at(shop.folder, "0.1.0") as source:
        assert (source.version, source.commit, source.tag) == ("0.1.0", commit, "0.1.0")
        assert (source.folder / "src/app/project.json").is_file()
    assert not source.folder.exists()


def test_an_unknown_tag_is_refused_by_name(shop: Shop) -> None:  # noqa: F811
    with pytest.raises(Failed, match=r"git knows no tag v9\.9\.9"):
        Source.at(shop.folder, "9.9.9").__enter__()


@pytest.mark.parametrize(
    ("version", "time"),
    [
        ("Docker version 28.2.2, build e6534b4", "--build-arg SOURCE_DATE_EPOCH=0"),
        ("podman version 5.1.0", "--timestamp 0"),  # the script of the package podman-docker
        ("docker version 5.1.0", "--timestamp 0"),  # a link to podman
    ],
)
def test_the_build_is_told_version_commit_and_one_time_for_all(
    shop: Shop, engine: Path, monkeypatch: pytest.MonkeyPatch, version: str, time: str  # noqa: F811
) -> None:
    monkeypatch.setenv("ENGINE_VERSION", version)
    monkeypatch.setenv("BASE_IMAGE", "mine:1")
    monkeypatch.setenv("BUILD_OPTIONS", "--secret 'id=pip.conf,src=a b'")
    shop.tag("0.1.0")
    source = Source.of(shop.folder)
    assert is_podman("docker") is ("timestamp" in time)
    assert Service(shop.folder).build(source) == "shop:0.1.0"
    (command,) = asked(engine, "build")
    for part in ("VERSION=0.1.0", f"COMMIT={source.commit}", "BASE_IMAGE=mine:1", time, "src=a b"):
        assert part in command


@pytest.mark.usefixtures("engine")
def test_a_build_without_its_lock_file_is_refused(shop: Shop) -> None:  # noqa: F811
    (shop.folder / "uv.lock").unlink()
    with pytest.raises(Failed, match=r"uv\.lock is missing: run `make lock`"):
        Service(shop.folder).build(Source.of(shop.folder))


def test_a_release_comes_from_here_the_registry_or_its_tag(
    shop: Shop, engine: Path, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:
    shop.tag("0.1.0")
    monkeypatch.setenv("IMAGES", "shop:0.1.0")
    assert Service(shop.folder).provide("0.1.0") == "shop:0.1.0"
    assert asked(engine, "build") == []
    monkeypatch.setenv("IMAGES", "")
    Service(shop.folder).provide("0.1.0")
    assert (len(asked(engine, "pull")), len(asked(engine, "build"))) == (0, 1)
    monkeypatch.setenv("IMAGE", "registry.example.com/shop")
    Service(shop.folder).provide("0.1.0")
    assert (len(asked(engine, "pull")), len(asked(engine, "build"))) == (1, 2)


def test_a_machine_without_an_engine_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTAINER_ENGINE", "no-such-engine")
    with pytest.raises(Missing, match="no-such-engine"):
        containers.engine()


def test_what_runs_is_told_by_its_container_though_its_tag_has_moved(
    shop: Shop, engine: Path, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:
    assert Service(shop.folder).running() == ""
    monkeypatch.setenv("RUNNING", "5f3a")
    assert Service(shop.folder).running() == "registry.example.com:5000/shop:1.1.0"
    assert asked(engine, "inspect 5f3a")


def test_port_and_project_are_of_the_file_that_compose_reads_unless_the_environment_has_them(
    shop: Shop, engine: Path, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:
    service = Service(shop.folder)
    assert service.setting("PORT") == ""
    text = "# PORT=1\nPORT=8001\nexport PORT = 8002 # ours\nCOMPOSE_PROJECT_NAME='desk'\nX_PORT=3\n"
    (shop.folder / ".env").write_text(text, encoding="utf-8")
    assert service.setting("PORT") == "8002"
    service.running()
    assert "--filter=label=com.docker.compose.project=desk " in asked(engine, "ps")[-1]
    monkeypatch.setenv("PORT", "8003")
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "other")
    assert service.setting("PORT") == "8003"
    service.running()
    assert "--filter=label=com.docker.compose.project=other " in asked(engine, "ps")[-1]


def test_what_watches_is_stopped_as_well(
    shop: Shop, engine: Path, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:
    Service(shop.folder).down()
    assert asked(engine, "compose down")[-1] == "compose down profiles=monitoring"
    monkeypatch.setenv("COMPOSE_PROFILES", "mine")
    Service(shop.folder).down()
    assert asked(engine, "compose down")[-1] == "compose down profiles=monitoring,mine"


@pytest.mark.usefixtures("engine")
def test_nothing_is_started_before_there_are_secrets(shop: Shop) -> None:  # noqa: F811
    with pytest.raises(SystemExit, match="make secrets"):
        containers.main("up", folder=shop.folder)
    with pytest.raises(SystemExit, match="say image, up or down"):
        containers.main("start", folder=shop.folder)


def test_secrets_are_made_once_by_chance_and_stay(tmp_path: Path) -> None:
    assert len(compose_secrets.make(tmp_path / "secrets")) == 8
    before = {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()}
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0
    assert len(before["postgres_password"]) > 40
    assert before["postgres_password"] in before["database_url"]
    assert before["redis_password"] in before["redis_url"]
    assert before["redis_password"] in before["redis.conf"]
    assert before["postgres_password"] != before["redis_password"]

    (tmp_path / "secrets" / "redis_url").unlink()
    assert compose_secrets.make(tmp_path / "secrets") == ["redis_url"]
    assert {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()} == before

    compose_secrets.make(tmp_path / "other")
    assert (tmp_path / "other/redis_url").read_text() != before["redis_url"]


@pytest.mark.parametrize(("running", "image"), [("5f3a", "registry.example.com:5000/shop:1.1.0"), ("", "shop:0.1.0")])
def test_a_key_is_made_by_the_image_that_runs_or_else_by_that_of_these_files(
    shop: Shop,  # noqa: F811
    engine: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    running: str,
    image: str,
) -> None:
    shop.tag("0.1.0")
    monkeypatch.setenv("RUNNING", running)
    monkeypatch.setenv("IMAGES", image)
    keys = shop.folder / "secrets" / "api-keys.jsonl"
    with pytest.raises(SystemExit, match="there are no secrets yet"):
        compose_secrets.main("key", "me", folder=shop.folder)
    compose_secrets.main("make", folder=shop.folder)
    file = keys.stat().st_ino
    compose_secrets.main("key", "me", "chat,approve", folder=shop.folder)
    assert capsys.readouterr().out.endswith("Key of me, shown this once: ak_1\n")
    assert f"{image} keys new --name me --scope chat --scope approve" in asked(engine, "run")[-1]
    assert (keys.read_text(), keys.stat().st_ino) == ('{"id":"1"}\n', file)
    with pytest.raises(SystemExit, match="there is no key 2, only 1"):
        compose_secrets.main("revoke", "2", folder=shop.folder)
    compose_secrets.main("revoke", "1", folder=shop.folder)
    assert (keys.read_text(), keys.stat().st_ino) == ("", file)
