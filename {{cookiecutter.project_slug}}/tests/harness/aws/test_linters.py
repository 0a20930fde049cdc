"""AWS's linter and a policy linter are content with the templates; what our rules cannot see, they find.

`nox -s aws` makes the environment that has both and runs these tests.
"""

import os
import subprocess
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

from tests.harness.aws.templates import PROJECT, Templates

ENVIRONMENT: Final = Path(os.environ.get("AWS_ENVIRONMENT", PROJECT / ".nox" / "aws"))
MUTANTS: dict[str, Any] = tomllib.loads(Path(__file__).with_name("mutants.toml").read_text(encoding="utf-8"))

REGIONS: Final = ("eu-west-1", "us-east-1")
"""Where the types of resources are looked up."""

FROM_THE_TRIALS: Final = 13
"""Faults that were planted when linters were compared; every one has to be found by something."""


def tool(name: str) -> Path | None:
    """A program of the environment; None where it is not."""
    places = (ENVIRONMENT / "bin" / name, ENVIRONMENT / "Scripts" / f"{name}.exe", ENVIRONMENT / "Scripts" / name)
    return next((it for it in places if it.is_file()), None)


pytestmark = [
    pytest.mark.slow,
    pytest.mark.checklist("PERM-1"),
    pytest.mark.skipif(tool("cfn-lint") is None, reason="cfn-lint is not installed: run `nox -s aws`, which brings it"),
]


def written(templates: Templates, folder: Path) -> list[str]:
    """The templates as AWS would get them."""
    for name, text in templates.texts.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return sorted(map(str, folder.glob("*.yaml")))


def ran(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    # checkov would ask its maker for web addresses else.
    settings = {**os.environ, "BC_SKIP_MAPPING": "TRUE"}
    command = [str(tool(name)), *arguments]
    return subprocess.run(command, capture_output=True, check=False, encoding="utf-8", env=settings)


def lint(*files: str) -> str:
    """What cfn-lint says; empty: nothing."""
    return ran("cfn-lint", *files, "--regions", *REGIONS, "--format", "parseable").stdout


def policies(folder: Path) -> subprocess.CompletedProcess[str]:
    """What checkov says."""
    rules = str(Path(__file__).with_name("checkov.yaml"))
    done = ran("checkov", "--config-file", rules, "--directory", str(folder))
    assert "Passed checks" in done.stdout, done.stdout + done.stderr
    return done


def test_awss_linter_finds_nothing(tmp_path: Path) -> None:
    assert lint(*written(Templates.load(), tmp_path)) == ""


def test_the_policy_linter_finds_nothing_without_a_reason(tmp_path: Path) -> None:
    written(Templates.load(), tmp_path)
    done = policies(tmp_path)
    assert done.returncode == 0, done.stdout


def test_the_policy_linter_finds_a_database_that_is_not_encrypted(tmp_path: Path) -> None:
    it = MUTANTS["store-in-the-clear"]
    written(Templates.load().changed(it["template"], it["before"], it["after"]), tmp_path)
    done = policies(tmp_path)
    assert done.returncode != 0
    assert "CKV_AWS_16" in done.stdout


@pytest.mark.parametrize("name", [name for name, it in MUTANTS.items() if it["found_by"] == "cfn-lint"])
def test_a_fault_that_our_rules_cannot_see_is_found(name: str, tmp_path: Path) -> None:
    it = MUTANTS[name]
    written(Templates.load().changed(it["template"], it["before"], it["after"]), tmp_path)
    told = lint(str(tmp_path / f"{it['template']}.yaml")).splitlines()
    assert [line for line in told if ":E" in line] == told != []


def test_every_fault_of_the_trials_is_planted() -> None:
    text = Path(__file__).with_name("mutants.toml").read_text(encoding="utf-8")
    trials, _, _ = text.partition("# Further ones of ours.")
    assert len(tomllib.loads(trials)) == FROM_THE_TRIALS
