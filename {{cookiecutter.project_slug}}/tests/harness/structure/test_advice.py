"""Over the owner's package the house rules are advice: said, never enforced."""

import subprocess
import sys
from pathlib import Path

import pytest

from .__main__ import RULES, Advice
from .conftest import Plant
from .source import PROJECT

AGENT = {"agents/billing.py": "def total(): pass\n"}


def test_a_finding_names_its_place_its_way_out_and_its_rule(plant: Plant) -> None:
    loose, untested = Advice(()).lines(plant(AGENT, "app"))
    assert loose.startswith(
        "src/app/agents/billing.py:1: the function `total` belongs to no class; "
    )
    assert loose.endswith(" [loose-functions]")
    assert untested.endswith("tests/agents/test_billing.py [test-modules]")


@pytest.mark.parametrize("rule", ["loose-functions", "test-modules"])
def test_a_rule_that_the_owner_switched_off_is_not_heard(plant: Plant, rule: str) -> None:
    [line] = Advice([rule]).lines(plant(AGENT, "app"))
    assert not line.endswith(f"[{rule}]")


def test_a_name_in_the_list_that_is_no_rule_is_said(plant: Plant) -> None:
    assert Advice(["loose"]).lines(plant({}, "app")) == [
        "pyproject.toml: no house rule is called 'loose'"
    ]


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
