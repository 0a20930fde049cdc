import json
import os
import subprocess
from pathlib import Path

import pytest

from tools.readiness.origin import Origin
from tools.readiness.session import Session

PROJECT = Path(__file__).resolve().parents[3]

SETTINGS = """
[tool.pytest.ini_options]
enable_assertion_pass_hook = true
markers = ["checklist(*ids): boxes"]
"""

SUITE = """
import pytest

@pytest.mark.checklist("OBS-5")
def test_proves():
    assert 1 + 1 == 2

@pytest.mark.checklist("DEP-1")
def test_skips():
    pytest.skip("no engine")
"""

FAILING = """
import pytest

@pytest.mark.checklist("OBS-1")
def test_fails():
    assert 1 + 1 == 3
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small project with its own tests; what this run puts into the environment is taken out."""
    for name in os.environ:
        if name.startswith(("PYTEST_", "COV_", "COVERAGE_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTHONPATH", str(PROJECT))
    identity = {"name": "no-such-distribution", "title": "Desk", "description": "Answers."}
    package = tmp_path / "src" / "app"
    package.mkdir(parents=True)
    (package / "project.json").write_text(json.dumps(identity))
    (tmp_path / "pyproject.toml").write_text(SETTINGS)
    (tmp_path / "test_suite.py").write_text(SUITE)
    return tmp_path


def states(folder: Path) -> dict[str, str]:
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return {box["id"]: box["state"] for group in report["groups"] for box in group["boxes"]}


def test_a_run_without_a_failure_writes_every_form_each_time_the_same_and_exits_with_zero(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out, again = project / "elsewhere", project / "again"
    assert Session(project).main(["--out", str(out), "-p", "no:cacheprovider"]) == 0
    names = {"report.html", "report.md", "report.json", "schema.json"}
    assert {file.name for file in out.iterdir()} == names
    shown = states(out)
    assert (shown["OBS-5"], shown["DEP-1"], shown["OBS-1"]) == ("proven", "unproven", "missing")
    assert Session(project).main(["--out", str(again), "-p", "no:cacheprovider"]) == 0
    assert all((out / name).read_bytes() == (again / name).read_bytes() for name in names)
    said = capfd.readouterr().out.splitlines()
    assert said[-1] == "1 proven, 0 failed, 1 unproven, 62 missing, 0 not chosen of 64"


def test_a_failed_box_exits_with_one(project: Path) -> None:
    (project / "test_failing.py").write_text(FAILING)
    assert Session(project).main(["--out", str(project / "out"), "-q"]) == 1
    assert states(project / "out")["OBS-1"] == "failed"


def test_tests_that_cannot_be_collected_give_no_report_and_pytests_own_code(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (project / "test_broken.py").write_text("import no_such_module\n")
    code = Session(project).main(["--out", str(project / "out"), "-q"])
    assert code == pytest.ExitCode.INTERRUPTED
    assert not (project / "out").exists()
    assert "No readiness report: pytest stopped with code 2." in capfd.readouterr().err


def test_the_origin_names_the_commit_and_whether_it_was_changed(project: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=A", "-c", "user.email=a@example.com")
        subprocess.run(["git", "-C", str(project), *identity, *arguments], check=True)

    outside = Origin.of(project)
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "--message", "First")
    clean = Origin.of(project).commit
    (project / "new.txt").write_text("new")
    assert (outside.commit, outside.version) == ("", "")
    assert outside.line == "Version unknown"
    assert clean.isalnum()
    assert Origin.of(project).commit == f"{clean} and uncommitted changes"
