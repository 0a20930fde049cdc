"""SEC-1: one command runs the scans; what is planted is reported, and a scan that could not look never passes."""

import json
import shutil
import socket
import sys
from collections.abc import Iterator
from datetime import date
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.harness.security import __main__ as security
from tests.harness.security.__main__ import Finding, Scan, Unproven, Unreadable, main, session
from tests.support.peers.osv_service import KNOWN, OsvService
from tools import ROOT, UV

needs_tools = pytest.mark.skipif(
    not (find_spec("bandit") and find_spec("pip_audit") and shutil.which(UV)), reason=security.MISSING
)

TODAY = date(2026, 11, 25)
SHELL = "import subprocess\n\n\ndef run(text: str) -> None:\n    subprocess.call(text, shell=True)\n"
KEY = "key = sk-" + "proj-" + "a1B2c3D4" * 6
LOCKED = '[[package]]\nname = "%s"\nversion = "%s"\nsource = { registry = "https://x.test/simple" }\n'
FILE = 'sdist = { url = "https://x.test/%s.tar.gz", hash = "sha256:%s" }\n'


@pytest.fixture(autouse=True)
def _no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SAFETY_API_KEY", raising=False)


def project(folder: Path, code: str = "X = 1\n", **versions: str) -> Path:
    """A small project: one module, and a lock file of these versions."""
    (folder / "src" / "app").mkdir(parents=True)
    (folder / "src" / "app" / "module.py").write_text(code)
    wanted = versions or {"jinja2": "3.1.6"}
    head = '[project]\nname = "desk"\nversion = "1.0.0"\nrequires-python = ">=3.11"\n'
    (folder / "pyproject.toml").write_text(f"{head}dependencies = {list(wanted)}\n")
    names = ", ".join('{ name = "' + name + '" }' for name in wanted)
    root = '[[package]]\nname = "desk"\nversion = "1.0.0"\nsource = { virtual = "." }\n'
    lock = f'version = 1\nrequires-python = ">=3.11"\n{root}dependencies = [{names}]\n'
    for name, version in wanted.items():
        lock += LOCKED % (name, version) + FILE % (name, "0" * 64)
    (folder / "uv.lock").write_text(lock)
    return folder


def unused_address() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/v1/query"


def finding(*found: Finding) -> Scan:
    """A scan that ends as it is told."""
    return lambda _: iter(found)


def broken(_: Path) -> Iterator[Finding]:
    raise Unproven("no service")


FOUND = Finding("B602", "src/app/module.py:5", "a shell", "high", ("CVE-1",))


@needs_tools
@pytest.mark.checklist("SEC-1")
def test_one_command_reports_a_planted_call_a_vulnerable_version_and_a_secret(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = project(tmp_path, SHELL, jinja2="2.10", idna="3.20")
    (folder / "notes.txt").write_text(KEY)
    service = OsvService({**KNOWN, ("jinja2", "2.10"): ["GHSA-planted"]})
    with service.serving() as address:
        code = main([address], folder)
    told = capsys.readouterr().out
    assert code == 1
    assert "src/app/module.py:5: B602 (high)" in told
    assert "jinja2 2.10: CVE-of-GHSA-planted (high) mended in 9.9.9: planted" in told
    assert "notes.txt:1: secret (high) Model provider key" in told
    assert KEY not in told
    assert "safety: not asked (no SAFETY_API_KEY)" in told
    report = json.loads((folder / "var" / "security.json").read_text())
    assert report["passed"] is False
    assert {name: bool(found) for name, found in report["scans"].items()} == {
        "bandit": True,
        "secrets": True,
        "pip-audit": True,
    }


@needs_tools
@pytest.mark.checklist("SEC-1")
def test_a_project_with_nothing_to_mend_passes_and_every_locked_version_was_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = project(tmp_path, jinja2="3.1.6", idna="3.20")
    service = OsvService()
    with service.serving() as address:
        code = main([address], folder)
    assert code == 0, capsys.readouterr().out
    assert sorted(service.asked) == [("idna", "3.20"), ("jinja2", "3.1.6"), ("pyyaml", "5.3")]


@needs_tools
@pytest.mark.checklist("SEC-1")
def test_a_service_that_cannot_be_reached_fails_the_session_with_its_address(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    address = unused_address()
    assert main([address], project(tmp_path)) == 1
    told = capsys.readouterr().out
    assert f"pip-audit: unproven ({address} gave no answer, so nothing is known" in told
    assert "FAILED" in told


@pytest.mark.checklist("SEC-1")
def test_a_service_that_knows_of_nothing_at_all_is_not_believed(tmp_path: Path) -> None:
    with OsvService({}).serving() as address, pytest.raises(Unproven, match="knows nothing of"):
        next(security.pip_audit(project(tmp_path), address))


@needs_tools
@pytest.mark.checklist("SEC-1")
def test_a_lock_file_that_cannot_be_read_is_no_clean_scan(tmp_path: Path) -> None:
    folder = project(tmp_path)
    (folder / "uv.lock").write_text("version = 1\nrequires-python = 7\n")
    with OsvService().serving() as address, pytest.raises(Unproven, match=r"uv\.lock cannot be"):
        next(security.pip_audit(folder, address))


@needs_tools
@pytest.mark.parametrize("code", ["def broken(:\n", None])
def test_code_that_bandit_cannot_read_or_find_is_no_clean_scan(tmp_path: Path, code: str | None) -> None:
    folder = project(tmp_path, code or "")
    if code is None:
        (folder / "src" / "app" / "module.py").unlink()
    with pytest.raises(Unproven, match="it could not read everything"):
        next(security.bandit(folder))


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands for the tool")
@pytest.mark.parametrize(("code", "ends"), [(0, "clean"), (64, "found"), (1, "unproven")])
def test_safety_passes_only_when_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, ends: str
) -> None:
    program = tmp_path / "uv"  # stands for the tool, which asks its account service
    program.write_text(f"#!/bin/sh\necho told\nexit {code}\n")
    program.chmod(0o700)
    monkeypatch.setattr(security, "UV", str(program))
    if ends == "unproven":
        with pytest.raises(Unproven, match="told"):
            next(security.safety(tmp_path))
    else:
        texts = [it.text for it in security.safety(tmp_path)]
        assert texts == (["told"] if ends == "found" else [])


def test_a_folder_without_files_has_no_clean_secrets_scan(tmp_path: Path) -> None:
    with pytest.raises(Unproven, match="no file"):
        next(security.secrets(tmp_path))


def test_a_scan_that_could_not_look_fails_although_another_is_clean(tmp_path: Path) -> None:
    assert session(tmp_path, {"one": finding()}, TODAY) == 0
    assert session(tmp_path, {"one": finding(), "two": broken}, TODAY) == 1


ENTRY = """
[[accepted]]
id = "{id}"
where = "{where}"
reason = "The text is a constant."
until = {until}
"""


def accept(folder: Path, name: str = "B602", where: str = "src/app/module.py", until: str = "2026-11-25") -> None:
    text = ENTRY.replace("{id}", name).replace("{where}", where).replace("{until}", until)
    (folder / "security.toml").write_text(text)


found_again = partial(session, scans={"bandit": finding(FOUND)})


@pytest.mark.parametrize("name", ["B602", "CVE-1"])
def test_an_accepted_finding_passes_until_its_last_day_and_its_reason_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    accept(tmp_path, name)
    assert found_again(tmp_path, today=TODAY) == 0
    assert "accepted until 2026-11-25: The text is a constant." in capsys.readouterr().out


def test_an_acceptance_that_ran_out_fails_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    accept(tmp_path)
    assert found_again(tmp_path, today=date(2026, 11, 26)) == 1
    assert "was accepted until 2026-11-25" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "where"), [("B603", "src/app/module.py"), ("B602", "src/app/other.py")])
def test_an_acceptance_of_something_else_covers_nothing_and_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, where: str
) -> None:
    accept(tmp_path, name, where)
    assert found_again(tmp_path, today=TODAY) == 1
    told = capsys.readouterr().out
    assert f"security.toml accepts {name} in {where}, which nothing finds" in told


@pytest.mark.parametrize(("severity", "code"), [("low", 0), ("medium", 1), ("high", 1)])
def test_a_finding_fails_from_the_severity_on_that_the_file_names(tmp_path: Path, severity: str, code: int) -> None:
    found = Finding("B1", "a.py:1", "", severity)
    assert session(tmp_path, {"bandit": finding(found)}, TODAY) == code


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("fail_from = 'some'", "fail_from is low, medium or high"),
        ("[[accepted", "security.toml: "),
        ("[[accepted]]\nid = 'B1'\nwhere = 'a.py'\nuntil = 2030-01-01", "B1 lacks id, where or re"),
        ("[[accepted]]\nid = 'B1'\nwhere = 'a.py'\nreason = 'r'", "B1 lacks a day"),
        ("[[accepted]]\nid = 'B1'\nwhere = 'a'\nreason = 'r'\nuntil = 'ever'", "B1 lacks a day"),
    ],
)
def test_a_file_of_acceptances_that_is_wrong_is_refused_with_what_to_mend(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "security.toml"
    file.write_text(text)
    with pytest.raises(Unreadable, match=told):
        security.policy(file)


def test_this_projects_own_acceptances_can_be_read() -> None:
    fail_from, _ = security.policy(ROOT / "security.toml")
    assert security.SEVERITIES[fail_from] == "medium"


def test_the_tools_that_are_missing_are_named_with_what_brings_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert main([]) == 2
    assert "nox -s security" in capsys.readouterr().err
