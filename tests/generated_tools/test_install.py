"""`make install` and `make lock` on small projects: real make, and a uv that notes what it is asked."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(os.name == "nt" or shutil.which("make") is None, reason="no make on this system")

INDEXES = (
    *("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST"),
    *("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_INSECURE_HOST"),
)

UV = """\
#!/bin/sh
echo "$*" >> asked
echo "$UV_DEFAULT_INDEX $UV_INDEX $UV_INSECURE_HOST" >> indexes
test "$1" = sync && exit "${SYNC:-0}"
test "$1" = lock && exit "${LOCK:-0}"
test "$1" = add && test -n "$ADD" && exit "$ADD"
test "$1" = add && touch uv.lock
exit 0
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project without a lock file on a machine that has uv."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "uv.txt").touch()
    program = tmp_path / "bin" / "uv"
    program.parent.mkdir()
    program.write_text(UV, encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("UV", raising=False)
    return tmp_path


def make(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["make", *arguments]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)


def asked(project: Path) -> list[str]:
    return (project / "asked").read_text(encoding="utf-8").splitlines()


def test_the_first_installation_locks_the_tested_versions_and_later_ones_lock_nothing(project: Path) -> None:
    for _ in range(2):
        assert make(project, "install").returncode == 0
    tested = (
        "add --quiet --no-sync --requirements /dev/null --constraints tools/tested.txt",
        "sync --locked",
        "sync --locked",
    )
    assert tuple(asked(project)) == tested


def test_a_changed_project_without_a_new_lock_is_told_the_remedy(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNC", "2")
    monkeypatch.setenv("LOCK", "1")  # it does not fit
    done = make(project, "install")
    assert done.returncode != 0
    assert "If uv.lock no longer fits pyproject.toml: make lock" in done.stderr


MIRROR = "https://user:pa$$word%24@pypi.example.com/simple"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "  "),
        ({"PIP_INDEX_URL": MIRROR}, f"{MIRROR}  "),
        ({"PIP_INDEX_URL": MIRROR, "UV_DEFAULT_INDEX": "https://own.example"}, "https://own.example  "),
        ({"PIP_INDEX_URL": MIRROR, "UV_INDEX_URL": "https://own.example"}, "  "),
        ({"PIP_EXTRA_INDEX_URL": "https://a.example https://b.example"}, " https://a.example https://b.example "),
        ({"PIP_INDEX_URL": MIRROR, "PIP_TRUSTED_HOST": "pypi.example.com"}, f"{MIRROR}  pypi.example.com"),
    ],
)
def test_the_mirror_that_pip_is_told_of_is_uvs_too(
    project: Path, monkeypatch: pytest.MonkeyPatch, given: Mapping[str, str], told: str
) -> None:
    for name in INDEXES:
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert make(project, "install").returncode == 0
    assert set((project / "indexes").read_text(encoding="utf-8").splitlines()) == {told}


@pytest.mark.parametrize("failing", ["SYNC", "ADD"])
def test_a_machine_that_reaches_no_index_is_told_so(
    project: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    monkeypatch.setenv(failing, "2")
    done = make(project, "install")
    assert done.returncode != 0
    assert "No package index reachable" in done.stderr
    assert "make lock" not in done.stderr


def test_locking_keeps_what_is_locked_unless_it_is_asked_to_upgrade(project: Path) -> None:
    (project / "uv.lock").touch()
    assert make(project, "lock").returncode == 0
    assert make(project, "lock", "options=--upgrade").returncode == 0
    assert asked(project) == ["lock", "lock --upgrade"]


def test_a_machine_without_uv_gets_the_one_that_is_pinned_by_hash(project: Path) -> None:
    text = (ROOT / "tools" / "uv.txt").read_text(encoding="utf-8")
    assert "uv==" in text
    assert text.count("--hash=sha256:") > 1
    (project / "bin" / "uv").unlink()
    shown = make(project, "--dry-run", "install", "UV=.nox/uv/bin/uv").stdout
    assert "-m venv .nox/uv" in shown
    assert "--require-hashes -r tools/uv.txt" in shown
