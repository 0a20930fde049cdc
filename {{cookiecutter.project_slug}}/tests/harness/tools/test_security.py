"""SEC-1: one command runs the scans; what is planted is reported, and a scan that could not look never passes."""

import hashlib
import json
import socket
import sys
from collections.abc import Sequence
from datetime import date
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support.peers.osv_service import KNOWN, OsvService
from tools.security import __main__ as command
from tools.security.__main__ import MISSING, Session
from tools.security.accepted import Policy, Unreadable
from tools.security.finding import Finding, Look
from tools.security.scans import Bandit, PipAudit, Safety, Secrets

needs_tools = pytest.mark.skipif(
    not (find_spec("bandit") and find_spec("pip_audit")), reason=MISSING
)

TODAY = date(2026, 11, 25)
SHELL = (
    "import subprocess\n\n\ndef run(text: str) -> None:\n    subprocess.call(text, shell=True)\n"
)
KEY = "key = sk-" + "proj-" + "a1B2c3D4" * 6


def project(
    folder: Path, code: str = "X = 1\n", packages: Sequence[str] = ("jinja2==3.1.6",)
) -> Path:
    """A small project: one module, one lock file."""
    (folder / "src" / "app").mkdir(parents=True)
    (folder / "src" / "app" / "module.py").write_text(code)
    digest = hashlib.sha256().hexdigest()
    lines = [f"{package} --hash=sha256:{digest}\n" for package in packages]
    (folder / "requirements.txt").write_text("".join(lines))
    return folder


def unused_address() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/v1/query"


class Planted:
    """A scan that ends as it is told."""

    def __init__(self, look: Look) -> None:
        self._look = look

    def run(self) -> Look:
        return self._look


FOUND = Finding("B602", "src/app/module.py:5", "a shell", "high", ("CVE-1",))


def session(folder: Path, *looks: Look, today: date = TODAY) -> int:
    return Session(folder, [Planted(look) for look in looks], today).run()


@needs_tools
@pytest.mark.checklist("SEC-1")
def test_one_command_reports_a_planted_call_a_vulnerable_version_and_a_secret(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SAFETY_API_KEY", raising=False)
    folder = project(tmp_path, SHELL, ["jinja2==2.10", "idna==3.20"])
    (folder / "notes.txt").write_text(KEY)
    service = OsvService({**KNOWN, ("jinja2", "2.10"): ["GHSA-planted"]})
    with service.serving() as address:
        code = command.main(["--osv", address], folder)
    told = capsys.readouterr().out
    assert code == 1
    assert "src/app/module.py:5: B602 (high)" in told
    assert "jinja2 2.10: CVE-of-GHSA-planted (high) mended in 9.9.9: planted" in told
    assert "notes.txt:1: secret (high) Model provider key" in told
    assert KEY not in told
    assert "safety: not asked (no SAFETY_API_KEY)" in told
    report = json.loads((folder / "var" / "security.json").read_text())
    assert report["passed"] is False
    assert [scan["outcome"] for scan in report["scans"]] == ["found", "found", "not asked", "found"]


@needs_tools
@pytest.mark.checklist("SEC-1")
def test_a_project_with_nothing_to_mend_passes_and_every_locked_version_was_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SAFETY_API_KEY", raising=False)
    folder = project(tmp_path, packages=["jinja2==3.1.6", "idna==3.20"])
    service = OsvService()
    with service.serving() as address:
        assert command.main(["--osv", address], folder) == 0
    assert sorted(service.asked) == [("idna", "3.20"), ("jinja2", "3.1.6"), ("pyyaml", "5.3")]
    assert "pip-audit: clean (2 locked versions in 1 files)" in capsys.readouterr().out


@needs_tools
@pytest.mark.checklist("SEC-1")
def test_lock_files_may_hold_two_versions_of_a_package_and_each_is_looked_at(
    tmp_path: Path,
) -> None:
    folder = project(tmp_path, packages=["jinja2==3.1.6", "idna==3.20"])
    other = (folder / "requirements.txt").read_text().replace("jinja2==3.1.6", "jinja2==2.10")
    (folder / "requirements-load.txt").write_text(other)
    with OsvService({**KNOWN, ("jinja2", "2.10"): ["GHSA-planted"]}).serving() as address:
        look = PipAudit(folder, address).run()
    assert look.about == "3 locked versions in 2 files"
    assert [(it.where, it.id) for it in look.findings] == [("jinja2 2.10", "CVE-of-GHSA-planted")]


@needs_tools
@pytest.mark.checklist("SEC-1")
def test_a_service_that_cannot_be_reached_fails_the_session_with_its_address(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    address = unused_address()
    assert command.main(["--osv", address], project(tmp_path)) == 1
    told = capsys.readouterr().out
    assert f"pip-audit: unproven ({address} gave no answer, so nothing is known" in told
    assert "FAILED" in told


@pytest.mark.checklist("SEC-1")
def test_a_service_that_knows_of_nothing_at_all_is_not_believed(tmp_path: Path) -> None:
    with OsvService({}).serving() as address:
        look = PipAudit(project(tmp_path), address).run()
    assert (look.outcome, look.about) == (
        "unproven",
        f"{address} knows nothing of pyyaml 5.3, which is vulnerable",
    )


def test_without_a_lock_file_nothing_is_known(tmp_path: Path) -> None:
    look = PipAudit(tmp_path, unused_address()).run()
    assert (look.outcome, look.about) == ("unproven", "there is no lock file: run `nox -s lock`")


@needs_tools
@pytest.mark.parametrize("lines", ["jinja2==2.10\n", ""])
def test_a_lock_file_that_cannot_be_audited_is_unproven(tmp_path: Path, lines: str) -> None:
    (project(tmp_path) / "requirements.txt").write_text(lines)
    with OsvService().serving() as address:
        assert PipAudit(tmp_path, address).run().outcome == "unproven"


@needs_tools
def test_code_that_bandit_cannot_read_is_unproven(tmp_path: Path) -> None:
    look = Bandit(project(tmp_path, "def broken(:\n")).run()
    assert look.outcome == "unproven"
    assert "src/app/module.py" in look.about


@needs_tools
def test_a_folder_without_code_is_unproven(tmp_path: Path) -> None:
    assert Bandit(tmp_path).run().outcome == "unproven"


@needs_tools
def test_a_call_that_says_why_it_is_right_is_no_finding(tmp_path: Path) -> None:
    code = SHELL.replace("shell=True)", "shell=True)  # nosec B602 - planted").replace(
        "import", "import", 1
    )
    look = Bandit(project(tmp_path, code)).run()
    assert [it.id for it in look.findings if it.severity != "low"] == []


def test_safety_is_not_asked_without_a_key(tmp_path: Path) -> None:
    assert Safety(tmp_path, None).run() == Look("safety", "not asked", "no SAFETY_API_KEY")


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands for the tool")
@pytest.mark.parametrize(
    ("code", "outcome"), [(0, "clean"), (64, "found"), (1, "unproven"), (2, "unproven")]
)
def test_safety_passes_only_when_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, outcome: str
) -> None:
    program = tmp_path / "python"  # stands for the tool, which asks its account service
    program.write_text(f'#!/bin/sh\ntest -n "$SAFETY_API_KEY" || exit 9\necho told\nexit {code}\n')
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))
    look = Safety(tmp_path, "planted").run()
    assert look.outcome == outcome
    assert ("told" in "".join(map(str, look.findings))) == (outcome == "found")


def test_a_folder_without_files_has_no_clean_secrets_scan(tmp_path: Path) -> None:
    assert Secrets(tmp_path).run().outcome == "unproven"


def test_a_scan_that_could_not_look_fails_although_another_is_clean(tmp_path: Path) -> None:
    assert session(tmp_path, Look.at("one", "", []), Look("two", "unproven", "no service")) == 1
    assert session(tmp_path, Look.at("one", "", []), Look("two", "not asked", "no key")) == 0


ENTRY = """
[[accepted]]
id = "{id}"
where = "{where}"
reason = "The text is a constant."
until = {until}
"""


def accept(
    folder: Path, name: str = "B602", where: str = "src/app/module.py", until: str = "2026-11-25"
) -> None:
    text = ENTRY.replace("{id}", name).replace("{where}", where).replace("{until}", until)
    (folder / "security.toml").write_text(text)


@pytest.mark.parametrize("name", ["B602", "CVE-1"])
def test_an_accepted_finding_passes_until_its_last_day_and_its_reason_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    accept(tmp_path, name)
    assert session(tmp_path, Look.at("bandit", "", [FOUND])) == 0
    assert "accepted until 2026-11-25: The text is a constant." in capsys.readouterr().out


def test_an_acceptance_that_ran_out_fails_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    accept(tmp_path)
    assert session(tmp_path, Look.at("bandit", "", [FOUND]), today=date(2026, 11, 26)) == 1
    assert "was accepted until 2026-11-25" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "where"), [("B603", "src/app/module.py"), ("B602", "src/app/other.py")]
)
def test_an_acceptance_of_something_else_covers_nothing_and_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, where: str
) -> None:
    accept(tmp_path, name, where)
    assert session(tmp_path, Look.at("bandit", "", [FOUND])) == 1
    assert (
        f"security.toml accepts {name} in {where}, which nothing finds" in capsys.readouterr().out
    )


@pytest.mark.parametrize(("severity", "code"), [("low", 0), ("medium", 1), ("high", 1)])
def test_a_finding_fails_from_the_severity_on_that_the_file_names(
    tmp_path: Path, severity: str, code: int
) -> None:
    finding = Finding("B1", "a.py:1", "", severity)  # type: ignore[arg-type]
    assert session(tmp_path, Look.at("bandit", "", [finding])) == code


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("fail_from = 'some'", "fail_from is 'some', use low, medium, high"),
        ("[[accepted", "is no TOML"),
        ("[[accepted]]\nid = 'B1'\nwhere = 'a.py'\nuntil = 2030-01-01", "B1 lacks reason"),
        ("[[accepted]]\nid = 'B1'\nwhere = 'a.py'\nreason = 'r'", "B1 lacks until"),
        ("[[accepted]]\nid = 'B1'\nwhere = 'a'\nreason = 'r'\nuntil = 'ever'", "a date in until"),
    ],
)
def test_a_file_of_acceptances_that_is_wrong_is_refused_with_what_to_mend(
    tmp_path: Path, text: str, told: str
) -> None:
    file = tmp_path / "security.toml"
    file.write_text(text)
    with pytest.raises(Unreadable, match=told):
        Policy.read(file)


def test_this_projects_own_acceptances_can_be_read() -> None:
    assert Policy.read(command.ROOT / "security.toml").fail_from in ("low", "medium", "high")
