import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import new_agent
from tools.new_agent import NameRefused, main, places, write

ROOT = Path(new_agent.__file__).parents[1]
# A usual name, the longest one, which also holds a word at which the planner cuts a message, and a graph.
KINDS = {"billing": "agent", "pick_and_pack_returns_exchange_and_claim": "agent", "contracts": "graph"}
NAMES = tuple(KINDS)
FILES = [file for name in NAMES for file in (f"src/app/agents/{name}.py", f"tests/agents/test_{name}.py")]


def without_agents(folder: str, names: list[str]) -> set[str]:
    """Leaves out the agents that are there, so that no keyword of theirs is in the way."""
    left_out = {"__pycache__"}
    if Path(folder) == ROOT / "src" / "app" / "agents":
        left_out |= {name for name in names if Path(folder, name).is_dir()}
    return left_out


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this project with an agent of each name and no other, and no other tests."""
    root = tmp_path_factory.mktemp("project")
    shared = ("tests/conftest.py", "tests/agents/conftest.py", "tests/agents/test_agents.py")
    for name in ("pyproject.toml", "ruff.toml", *shared):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, root / name)
    shutil.copytree(ROOT / "tests" / "support", root / "tests" / "support")
    shutil.copytree(ROOT / "src", root / "src", ignore=without_agents)
    for name, kind in KINDS.items():
        write(root, name, kind)
    return root


def run(project: Path, *arguments: str) -> None:
    """Runs one of the project's tools there, unseen by the coverage of this run."""
    ours = ("COVERAGE_", "COV_CORE_", "PYTEST_")
    environment = {key: text for key, text in os.environ.items() if not key.startswith(ours)}
    environment["PYTHONPATH"] = str(project / "src")  # before the packages of this environment
    command = [sys.executable, "-m", *arguments]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "arguments",
    [("black", "--check"), ("isort", "--check-only"), ("ruff", "check", "--no-cache")],
    ids=lambda arguments: arguments[0],
)
def test_a_new_agent_is_formatted_and_passes_the_lint(project: Path, arguments: tuple[str, ...]) -> None:
    run(project, *arguments, *FILES)


def test_a_new_agent_is_found_is_asked_and_answers_with_its_own_test(project: Path) -> None:
    run(project, "pytest", "-q", "-p", "no:cacheprovider", "tests/agents")


def test_a_new_agents_examples_are_cases_of_the_evaluation_at_once(project: Path) -> None:
    run(project, "app", "evaluate", "--model", "embedded", "--only", "examples/")
    report = json.loads((project / "var/evaluation/report.json").read_text(encoding="utf-8"))
    asked = {row["case"].split("/")[1] for row in report["rows"]}
    assert {name for name, kind in KINDS.items() if kind == "agent"} <= asked


def test_a_new_agent_passes_the_type_check(project: Path) -> None:
    run(project, "mypy", *FILES)


def test_a_new_agent_is_one_short_file(project: Path) -> None:
    for name in NAMES:
        assert len((project / f"src/app/agents/{name}.py").read_text(encoding="utf-8").splitlines()) < 40


@pytest.mark.parametrize(
    "name", ["", "Billing", "1st", "order-status", "order status", "a__b", "_a", "a_", "a" * 41, "../x", "ñ"]
)
def test_a_bad_name_is_refused_with_what_is_allowed_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(NameRefused, match=r"lowercase letters.*for example billing"):
        places(tmp_path, name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["class", "lambda", "con", "lpt1"])
def test_a_name_that_python_or_windows_keeps_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(NameRefused, match="has a meaning of its own"):
        places(tmp_path, name)


@pytest.mark.parametrize(
    "taken",
    ["src/app/agents/billing", "src/app/agents/billing.py", "tests/agents/billing", "tests/agents/test_billing.py"],
)
def test_an_agent_that_is_there_is_never_written_over(tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).mkdir(parents=True)
    with pytest.raises(NameRefused, match=f"{taken} is there already"):
        places(tmp_path, "billing")


@pytest.mark.parametrize("arguments", [[], ["billing", "graph", "more"], ["billing", "tree"], ["Billing"]])
def test_the_command_refuses_what_is_no_name_with_one_sentence(arguments: list[str]) -> None:
    with pytest.raises(SystemExit, match="billing"):
        main(arguments)


def test_the_command_names_what_it_wrote_and_what_comes_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["billing"], tmp_path)
    shown = capsys.readouterr().out
    assert "wrote src/app/agents/billing.py\n" in shown
    assert "wrote tests/agents/test_billing.py\n" in shown
    assert "docs/build.md" in shown
