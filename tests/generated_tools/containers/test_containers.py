import sys
from pathlib import Path

import pytest

from tests.generated_tools.repositories import Shop, shop  # noqa: F401  # a fixture
from tools.containers import Engine, Failed, Image, Missing, Source
from tools.containers.secrets import Secrets


class Noted(Engine):
    """An engine that notes what it would do."""

    def __init__(self, program: str, *images: str) -> None:
        super().__init__(program)
        self.images = images
        self.done: list[tuple[str, ...]] = []

    def ask(self, *arguments: str) -> str:
        return f"{self.program} version 5.1.0" if self.program == "podman" else "Docker version 28"

    def do(self, *arguments: str, **_: object) -> None:
        self.done.append(arguments)
        if arguments[0] == "pull":
            raise Failed("no such image")

    def has_image(self, name: str) -> bool:
        return name in self.images


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("IMAGE", "BASE_IMAGE", "BUILD_OPTIONS", "CONTAINER_ENGINE"):
        monkeypatch.delenv(name, raising=False)


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
    with Source.at(shop.folder, "v0.1.0") as source:
        assert (source.version, source.commit, source.tag) == ("0.1.0", commit, "0.1.0")
        assert (source.folder / "src/app/project.json").is_file()
    assert not source.folder.exists()


def test_an_unknown_tag_is_refused_by_name(shop: Shop) -> None:  # noqa: F811
    with (
        pytest.raises(Failed, match=r"git knows no tag v9\.9\.9"),
        Source.at(shop.folder, "v9.9.9"),
    ):
        pass


def test_the_build_is_told_version_commit_and_one_time_for_all(
    shop: Shop, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:
    monkeypatch.setenv("BASE_IMAGE", "mine:1")
    monkeypatch.setenv("BUILD_OPTIONS", "--secret 'id=pip.conf,src=a b'")
    shop.tag("0.1.0")
    source = Source.of(shop.folder)
    for program, time in (("docker", "SOURCE_DATE_EPOCH=0"), ("podman", "--timestamp")):
        engine = Noted(program)
        assert Image(engine, shop.folder).build(source) == "shop:0.1.0"
        (command,) = engine.done
        assert {"VERSION=0.1.0", f"COMMIT={source.commit}", "BASE_IMAGE=mine:1"} < set(command)
        assert {time, "id=pip.conf,src=a b"} < set(command)


def test_a_build_without_its_lock_files_is_refused(shop: Shop) -> None:  # noqa: F811
    (shop.folder / "requirements-image.txt").unlink()
    with pytest.raises(Failed, match=r"requirements-image\.txt is missing: run `make lock`"):
        Image(Noted("docker"), shop.folder).build(Source.of(shop.folder))


def test_a_release_comes_from_here_the_registry_or_its_tag(
    shop: Shop, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:
    shop.tag("0.1.0")
    here = Noted("docker", "shop:0.1.0")
    assert Image(here, shop.folder).provide("0.1.0") == "shop:0.1.0"
    assert here.done == []
    nowhere = Noted("docker")
    Image(nowhere, shop.folder).provide("0.1.0")
    assert [command[0] for command in nowhere.done] == ["build"]
    monkeypatch.setenv("IMAGE", "registry.example.com/shop")
    asked = Noted("docker")
    Image(asked, shop.folder).provide("0.1.0")
    assert [command[0] for command in asked.done] == ["pull", "build"]


def test_a_machine_without_an_engine_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTAINER_ENGINE", "no-such-engine")
    with pytest.raises(Missing, match="no-such-engine"):
        Engine.find()


def test_secrets_are_made_once_by_chance_and_stay(tmp_path: Path) -> None:
    assert len(Secrets(tmp_path).make()) == 8
    before = {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()}
    if sys.platform != "win32":
        assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0
    assert len(before["postgres_password"]) > 40
    assert before["postgres_password"] in before["database_url"]
    assert before["redis_password"] in before["redis_url"]
    assert before["redis_password"] in before["redis.conf"]
    assert before["postgres_password"] != before["redis_password"]

    (tmp_path / "secrets" / "redis_url").unlink()
    assert Secrets(tmp_path).make() == ["redis_url"]
    assert {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()} == before

    (tmp_path / "other").mkdir()
    Secrets(tmp_path / "other").make()
    assert (tmp_path / "other/secrets/redis_url").read_text() != before["redis_url"]


def test_a_key_is_added_to_the_file_that_is_mounted(tmp_path: Path) -> None:
    class Printing(Noted):
        def ask(self, *arguments: str) -> str:
            assert arguments[-6:] == ("keys", "new", "--name", "shop", "--scope", "approve")
            return 'Key, shown this once: ak_1\nLine for API_KEYS_FILE: {"id":"1"}'

    with pytest.raises(Failed, match="make secrets"):
        Secrets(tmp_path).add_key(Printing("docker"), "shop:1", "shop", ["approve"])
    Secrets(tmp_path).make()
    file = tmp_path / "secrets" / Secrets.KEYS
    mounted = file.stat().st_ino
    assert Secrets(tmp_path).add_key(Printing("docker"), "shop:1", "shop", ["approve"]) == "ak_1"
    assert file.read_text() == '{"id":"1"}\n'
    assert file.stat().st_ino == mounted


def test_a_key_is_taken_out_of_the_file_that_is_mounted(tmp_path: Path) -> None:
    Secrets(tmp_path).make()
    file = tmp_path / "secrets" / Secrets.KEYS
    file.write_text('# shop\n{"id":"1"}\n{"id":"2"}\n')
    mounted = file.stat().st_ino
    with pytest.raises(Failed, match="no key 3, only 1, 2"):
        Secrets(tmp_path).revoke("3")
    Secrets(tmp_path).revoke("1")
    assert file.read_text() == '# shop\n{"id":"2"}\n'
    assert file.stat().st_ino == mounted
