"""Tests of `gate`, `sbom` and `scan`."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tools import ROOT, UV, scan

# The gate of the test command: a package with untested branches is refused (TEST-2).

PROJECT = Path(__file__).resolve().parents[3]

MODULE = """
def answer(number: int) -> str:
    if number > 1:
        return "many"
    return "one"
"""


@pytest.fixture
def clean_environment() -> Mapping[str, str]:
    """The environment without what this very run has put there for its own children."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_", "COVERAGE_"))
    }
    return {**inherited, "PYTHONPATH": str(PROJECT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


@pytest.mark.checklist("TEST-2")
@pytest.mark.parametrize(("covered", "exit_code"), [(True, pytest.ExitCode.OK), (False, pytest.ExitCode.TESTS_FAILED)])
def test_the_projects_test_command_refuses_a_package_with_untested_branches(
    tmp_path: Path, clean_environment: Mapping[str, str], covered: bool, exit_code: int
) -> None:
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    package = tmp_path / "src" / "app"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "answer.py").write_text(MODULE)
    (tmp_path / "tests").mkdir()
    second = '    assert answer(2) == "many"\n' if covered else ""
    test = 'from app.answer import answer\n\n\ndef test_answer():\n    assert answer(1) == "one"\n'
    (tmp_path / "tests" / "test_answer.py").write_text(test + second)
    # What `nox -s test` runs, in one process and with the plugins that the settings ask for.
    plugins = ("-p", "pytest_cov", "-p", "pytest_socket", "-p", "pytest_asyncio.plugin")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *plugins, "--cov"],
        cwd=tmp_path,
        env=dict(clean_environment),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == exit_code, done.stdout + done.stderr
    assert ("less than fail-under=95" in done.stdout) is not covered


@pytest.mark.checklist("TEST-2")
def test_the_test_session_runs_with_the_gate() -> None:
    noxfile = (PROJECT / "noxfile.py").read_text(encoding="utf-8")
    session = noxfile.partition("def test(")[2].partition("@nox.session")[0]
    assert '"--cov=app"' in session
    assert "--no-cov" not in session


# DEP-1: `make sbom` lists what the image installs, each file by its hash, and nothing of development.

PYPROJECT = """\
[project]
name = "desk"
version = "1.2.0"
requires-python = ">=3.11"
dependencies = ["idna"]
[project.optional-dependencies]
postgres = ["psycopg"]
{empty}[dependency-groups]
dev = ["pytest"]
"""
LOCKED = """
[[package]]
name = "%s"
version = "1.0"
source = { registry = "https://index.example/simple" }
sdist = { url = "https://x.test/%s.tar.gz", hash = "sha256:%s" }
"""
LOCK = """\
version = 1
revision = 3
requires-python = ">=3.11"

[[package]]
name = "desk"
version = "1.2.0"
source = { virtual = "." }
dependencies = [{ name = "idna" }]

[package.optional-dependencies]
postgres = [{ name = "psycopg" }]

[package.dev-dependencies]
dev = [{ name = "pytest" }]

[package.metadata]
requires-dist = [
    { name = "idna" },
    { name = "psycopg", marker = "extra == 'postgres'" },
]
provides-extras = EXTRAS

[package.metadata.requires-dev]
dev = [{ name = "pytest" }]
"""


@pytest.mark.skipif(not (shutil.which("make") and shutil.which(UV)), reason="make or uv is not installed")
@pytest.mark.checklist("DEP-1")
def test_it_lists_what_the_image_installs_with_the_hash_of_every_file(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    extras = set(re.findall(r"--extra (\S+)", (ROOT / "Makefile").read_text(encoding="utf-8")))
    empty = "".join(f"{extra} = []\n" for extra in sorted(extras - {"postgres"}))
    (tmp_path / "pyproject.toml").write_text(PYPROJECT.format(empty=empty))
    digests = {"idna": "a" * 64, "psycopg": "b" * 64, "pytest": "c" * 64}
    packages = (LOCKED % (name, name, digest) for name, digest in digests.items())
    (tmp_path / "uv.lock").write_text(LOCK.replace("EXTRAS", json.dumps(sorted(extras))) + "".join(packages))
    command = ["make", "sbom", f"UV={UV}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    bill = json.loads((tmp_path / "sbom.cdx.json").read_text())
    assert (bill["bomFormat"], bill["metadata"]["component"]["version"]) == ("CycloneDX", "1.2.0")
    hashes = {
        it["purl"].partition("?")[0]: it["externalReferences"][0]["hashes"][0]["content"] for it in bill["components"]
    }
    assert hashes == {"pkg:pypi/idna@1.0": "a" * 64, "pkg:pypi/psycopg@1.0": "b" * 64}


# Put together here, so that this file holds none.
SECRETS = {
    "Model provider key": "key = sk-" + "proj-" + "a1B2c3D4" * 6,
    "AWS Access Key": "id = AK" + "IA" + "Q3EGRTA7BX2LMNOP",
    "Private Key": "-----BEGIN " + "RSA PRIVATE KEY-----",
    "Secret Keyword": "pass" + 'word = "correct-horse-battery"',
    "GitHub Token": "token = gh" + "p_" + "a1B2c3D4e5F6" * 3,
}


def findings(root: Path, text: str, name: str = "notes.txt") -> list[str]:
    file = root / name
    file.write_text(text, encoding="utf-8")
    return list(scan.findings(root, [file]))


@pytest.mark.parametrize("kind", SECRETS)
@pytest.mark.checklist("SEC-2")
def test_a_planted_secret_is_found_where_it_lies_and_not_repeated(tmp_path: Path, kind: str) -> None:
    found = findings(tmp_path, f"harmless\n{SECRETS[kind]}\n")
    assert f"notes.txt:2: {kind}" in found
    assert SECRETS[kind] not in "".join(found)


@pytest.mark.parametrize(("kind", "expected"), [("Secret Keyword", []), ("AWS Access Key", ["AWS Access Key"])])
def test_a_test_may_plant_a_password_but_not_a_real_key(tmp_path: Path, kind: str, expected: list[str]) -> None:
    (tmp_path / "tests").mkdir()
    found = findings(tmp_path, SECRETS[kind], "tests/test_login.py")
    assert found == [f"tests/test_login.py:1: {kind}" for kind in expected]


def test_prose_and_code_that_ask_for_a_secret_hold_none(tmp_path: Path) -> None:
    text = (
        "El token de la sesión y la contraseña no se guardan.\n"
        "api_key = settings.llm_api_key\n"
        "LLM_API_KEY=\n"
        "sha = 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n"
    )
    assert findings(tmp_path, text) == []


def test_a_line_that_says_it_is_no_secret_is_let_through(tmp_path: Path) -> None:
    line = SECRETS["Model provider key"]
    assert findings(tmp_path, f"{line}  # pragma: allowlist secret\n") == []


@pytest.mark.parametrize("marker", ["<" * 7 + " ours", ">" * 7 + " theirs"])
def test_a_merge_left_undone_is_found(tmp_path: Path, marker: str) -> None:
    assert findings(tmp_path, f"a\nb\n{marker}\n") == ["notes.txt:3: merge marker"]


def test_a_heading_underlined_with_equals_signs_is_no_merge(tmp_path: Path) -> None:
    assert findings(tmp_path, "Title\n=======\n") == []


def test_a_file_that_is_no_text_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "image.bin"
    file.write_bytes(bytes(range(256)))
    assert list(scan.findings(tmp_path, [file])) == []


def test_without_git_every_file_outside_the_caches_is_looked_at(tmp_path: Path) -> None:
    for name in ("a.py", "deep/b.py", ".venv/lib/c.py", "__pycache__/d.pyc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert scan.files(tmp_path) == [tmp_path / "a.py", tmp_path / "deep" / "b.py"]


def test_with_git_ignored_files_are_left_out_and_new_ones_are_not(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    (tmp_path / ".gitignore").write_text(".env\n")
    for name in (".env", "año nuevo.txt"):
        (tmp_path / name).touch()
    assert [file.name for file in scan.files(tmp_path)] == [".gitignore", "año nuevo.txt"]


def test_inside_a_repository_that_ignores_the_folder_it_is_looked_at_all_the_same(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    (tmp_path / ".gitignore").write_text("inner/\n")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "a.py").touch()
    assert [file.name for file in scan.files(tmp_path / "inner")] == ["a.py"]


def test_the_command_fails_on_a_finding_and_names_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text(SECRETS["Private Key"])
    assert scan.main([str(tmp_path / "notes.txt")], tmp_path) == 1
    assert capsys.readouterr().out == "notes.txt:1: Private Key\n"


@pytest.mark.slow  # `lint` does the same
@pytest.mark.checklist("SEC-2")
def test_this_project_holds_no_secret_and_no_merge_left_undone() -> None:
    assert scan.ROOT / "pyproject.toml" in scan.files(scan.ROOT)
    # A process of its own: measured by coverage, the same scan takes three times as long.
    command = [sys.executable, "tools/scan.py"]
    done = subprocess.run(command, cwd=scan.ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "No merge marker, no secret\n")
