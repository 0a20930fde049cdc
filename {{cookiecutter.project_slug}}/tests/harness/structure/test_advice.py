"""Tests of `advice`, `format`, `imports` and `threats`."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .__main__ import RULES, Advice
from .conftest import PROJECT, Package, Plant

# Over the owner's package the house rules are advice: said, never enforced.

AGENT = {"agents/billing.py": "def total(): pass\n"}


def test_a_finding_names_its_place_its_way_out_and_its_rule(plant: Plant) -> None:
    loose, untested = Advice(()).lines(plant(AGENT, "app"))
    assert loose.startswith("src/app/agents/billing.py:1: the function `total` belongs to no class; ")
    assert loose.endswith(" [loose-functions]")
    assert "tests/harness" not in loose + untested
    assert untested.endswith("tests/agents/test_billing.py [test-modules]")


@pytest.mark.parametrize("rule", ["loose-functions", "test-modules"])
def test_a_rule_that_the_owner_switched_off_is_not_heard(plant: Plant, rule: str) -> None:
    [line] = Advice([rule]).lines(plant(AGENT, "app"))
    assert not line.endswith(f"[{rule}]")


def test_a_name_in_the_list_that_is_no_rule_is_said(plant: Plant) -> None:
    assert Advice(["loose"]).lines(plant({}, "app")) == ["pyproject.toml: no house rule is called 'loose'"]


def test_the_list_is_read_from_pyproject(plant: Plant, tmp_path: Path) -> None:
    text = "[tool.house-rules]\noff = ['loose-functions', 'test-modules']\n"
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    assert Advice.of_project(tmp_path).lines(plant(AGENT, "app")) == []


def test_the_command_never_fails_and_names_a_rule_in_each_line() -> None:
    command = [sys.executable, "-m", "tests.harness.structure"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    findings = done.stdout.splitlines()[:-1]
    assert {line.rpartition("[")[2].rstrip("]") for line in findings} <= RULES.keys()


# CODE-4. Earned by a project whose formatter ran before its check: unformatted output passed.

SEALED = ("src/harness", "tests/harness", "tests/support", "tools")
CHECKS = {
    "black": ("black", "--check", "--quiet", *SEALED),
    "ruff": ("ruff", "check", "--no-cache", *SEALED),
    "isort": ("isort", "--check-only", "--quiet", *SEALED),
}
"""The owner's code is held to the owner's own rules, by `make lint` alone."""


@pytest.mark.checklist("CODE-4")
@pytest.mark.parametrize("tool", CHECKS)
def test_what_the_template_wrote_passes(tool: str) -> None:
    command = [sys.executable, "-m", *CHECKS[tool]]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"run `nox -s format`\n{done.stdout}{done.stderr}"


# Who may import whom, by the contracts in `tools/imports.toml`; a broken one is named with its import.

COMMAND = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"


def checked(source: Path) -> subprocess.CompletedProcess[str]:
    """What import-linter says of the two packages in `source`."""
    contracts = str(PROJECT / "tools" / "imports.toml")
    return subprocess.run(
        [sys.executable, "-c", COMMAND, contracts, "--no-cache"],
        cwd=source.parent,
        env=os.environ | {"PYTHONPATH": str(source), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_import_is_allowed() -> None:
    done = checked(PROJECT / "src")
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_forbidden_import_is_named(tmp_path: Path) -> None:
    source = tmp_path / "src"
    shutil.copytree(PROJECT / "src", source, ignore=shutil.ignore_patterns("__pycache__"))
    for name, line in {
        "app/main.py": "from harness.errors import Misconfigured",
        "harness/service.py": "import app.main",
        "harness/guards/output.py": "from ..http import problems",
        "harness/newcomer/__init__.py": "",
        "harness/prompts/language.py": "from .messages import LocalizedMessage",
    }.items():
        file = source / name
        file.parent.mkdir(exist_ok=True)
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        file.write_text(f"{text}\n{line}\n", encoding="utf-8")
    done = checked(source)
    assert done.returncode == 1
    for broken in (
        "app.main -> harness.errors",
        "harness.service -> app.main",
        "harness.guards.output -> harness.http.problems",
        "harness.newcomer",
        "harness.prompts.language -> harness.prompts.messages",
    ):
        assert broken in done.stdout


def test_both_packages_are_read_whole() -> None:
    assert {"", "settings", "http.app", "runtime"} <= set(Package.of_project("harness").modules)
    assert {"", "main", "agents"} <= set(Package.of_project("app").modules)


def test_a_docstring_is_no_code(plant: Plant) -> None:
    module = plant({"limits/quota.py": '"""Five."""\nFIVE = "five"\n'}).modules["limits.quota"]
    texts = [node.value for node in module.nodes if isinstance(node, ast.Constant)]
    assert texts == ["five"]


# The table of threats is true: every known threat has its row, every row its tests, every test exists.

PAGE = PROJECT / "docs" / "prove.md"
KNOWN = [*(f"LLM{n:02}" for n in range(1, 11)), *(f"ASI{n:02}" for n in range(1, 11))]
"""OWASP's two lists."""


class Threats:
    """The rows of the table."""

    ROW = re.compile(r"^\| (?P<id>[A-Z]{3}\d\d) .*\| (?P<tests>[^|]*) \|$", re.MULTILINE)
    TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")

    def __init__(self, text: str) -> None:
        self._text = text

    def ids(self) -> list[str]:
        return [row["id"] for row in self.ROW.finditer(self._text)]

    def faults(self) -> Iterator[str]:
        """Each row without a test, and each test that there is not."""
        for row in self.ROW.finditer(self._text):
            tests = self.TEST.findall(row["tests"])
            if not tests:
                yield f"{row['id']}: no test is named"
            for file, name in tests:
                path = PROJECT / file
                source = path.read_text(encoding="utf-8") if path.is_file() else ""
                if not source or (name and f"def {name}(" not in source):
                    yield f"{row['id']}: there is no {file}::{name}"


@pytest.mark.checklist("ABU-1")
def test_every_known_threat_has_its_row_and_every_row_its_tests() -> None:
    threats = Threats(PAGE.read_text(encoding="utf-8"))
    assert threats.ids() == KNOWN
    assert list(threats.faults()) == []


@pytest.mark.parametrize(
    ("tests", "fault"),
    [
        ("", "LLM01: no test is named"),
        ("`tests/none.py::test_a`", "LLM01: there is no tests/none.py::test_a"),
        (
            "`tests/harness/structure/test_advice.py::test_gone`",
            "LLM01: there is no tests/harness/structure/test_advice.py::test_gone",
        ),
    ],
)
def test_a_row_that_promises_too_much_is_named(tests: str, fault: str) -> None:
    assert list(Threats(f"| LLM01 Injection | it | that | {tests} |").faults()) == [fault]
