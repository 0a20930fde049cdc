import ast
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tools import install
from tools.install import Environment, InstallError

SOURCE = Path(install.__file__)


class Installed(Environment):
    """An environment whose steps are noted instead of run."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.steps: list[Sequence[str]] = []
        self.unsatisfied = ""

    def _runs_this_python(self) -> bool:
        return self.python.is_file()

    def _has_uv(self) -> bool:
        return True

    def _check(self) -> None:
        if self.unsatisfied:
            raise InstallError(self.unsatisfied)

    def _run_python(self, *arguments: str) -> None:
        self.steps.append(arguments)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with its lock files and an environment in which nothing is installed yet."""
    (tmp_path / "pyproject.toml").write_text('requires-python = ">=3.11"\n')
    (tmp_path / "requirements.txt").write_text("fastapi==1\n")
    (tmp_path / "requirements-dev.txt").write_text("fastapi==1\npytest==9\n")
    python = Environment(tmp_path).python
    python.parent.mkdir(parents=True)
    python.write_text("")
    return tmp_path


def test_a_finished_install_is_current_and_takes_no_further_step(project: Path) -> None:
    assert not Installed(project).is_current
    environment = Installed(project)
    environment.bring_up_to_date()
    assert Installed(project).is_current
    assert any("--require-hashes" in step for step in environment.steps)
    assert any("--editable" in step for step in environment.steps)


@pytest.mark.parametrize("name", ["pyproject.toml", "requirements.txt", "requirements-dev.txt"])
def test_a_change_of_a_deciding_file_asks_for_a_new_install(project: Path, name: str) -> None:
    environment = Installed(project)
    environment.bring_up_to_date()
    (project / name).write_text("changed\n")
    assert not environment.is_current


def test_a_folder_that_was_moved_asks_for_a_new_install(project: Path) -> None:
    Installed(project).bring_up_to_date()
    moved = project.with_name("moved")
    shutil.move(project, moved)
    assert not Installed(moved).is_current


def test_lock_files_that_are_there_are_not_written_again(project: Path) -> None:
    environment = Installed(project)
    environment.bring_up_to_date()
    assert not any("tools/lock.py" in step for step in environment.steps)


def test_a_missing_lock_file_is_written_before_the_install(project: Path) -> None:
    (project / "requirements-dev.txt").unlink()
    environment = Installed(project)
    with pytest.raises(FileNotFoundError):  # this stand-in writes none, so the last step misses it
        environment.bring_up_to_date()
    assert environment.steps[0] == ("tools/lock.py",)


def test_an_install_that_fails_is_not_taken_for_current(project: Path) -> None:
    environment = Installed(project)
    environment.bring_up_to_date()
    environment.unsatisfied = "app needs rich, which is not installed"
    with pytest.raises(InstallError, match="needs rich"):
        environment.bring_up_to_date()
    assert not Installed(project).is_current


def test_a_python_below_the_floor_is_told_which_one_is_needed(project: Path) -> None:
    (project / "pyproject.toml").write_text('requires-python = ">=3.99"\n')
    with pytest.raises(InstallError, match=r"needs Python 3\.99 or newer.*PYTHON=python3\.99"):
        Environment(project).refuse_old_python()


def test_this_python_is_not_refused(project: Path) -> None:
    major, minor = sys.version_info[:2]
    (project / "pyproject.toml").write_text(f'requires-python = ">={major}.{minor}"\n')
    environment = Environment(project)
    environment.refuse_old_python()
    assert environment.python.is_relative_to(project)


def test_an_old_python_can_read_the_tool_far_enough_to_be_refused_by_it() -> None:
    ast.parse(SOURCE.read_text(encoding="utf-8"), feature_version=(3, 7))
    top_level = {
        name.name
        for node in ast.parse(SOURCE.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Import)
        for name in node.names
    }
    assert top_level <= {"hashlib", "re", "subprocess", "sys", "time", "venv"}


def test_a_broken_environment_counts_as_none(tmp_path: Path) -> None:
    environment = Environment(tmp_path)
    assert not environment._runs_this_python()
    environment.python.parent.mkdir(parents=True)
    environment.python.write_text("not a program")
    assert not environment._runs_this_python()


def test_a_failed_step_names_the_command(project: Path) -> None:
    environment = Environment(project)
    environment.python = Path(sys.executable)
    with pytest.raises(InstallError, match=r"This step failed.*no_such_module"):
        environment._run("no_such_module")


def test_the_command_says_that_nothing_is_to_do(project: Path) -> None:
    shutil.copytree(SOURCE.parent, project / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    Installed(project).bring_up_to_date()
    command = [sys.executable, "tools/install.py"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=True)
    assert done.stdout == ".venv is up to date\n"
