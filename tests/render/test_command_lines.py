"""Both engines through their own command lines, as the README shows them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.template import Project, Template


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-m", *command], cwd=folder, capture_output=True, encoding="utf-8"
    )


@pytest.fixture
def made(template: Template, tmp_path: Path) -> dict[str, tuple[Project, str]]:
    """Engine -> its project and what it told the user."""
    answers = {"project_name": "Café 'Ñ' #1", "example_agents": "false", "ci": "none", "language": "es"}
    given = [f"{question}={answer}" for question, answer in answers.items()]
    data = [word for text in given for word in ("-d", text)]
    one = run(tmp_path, "cookiecutter", str(template.folder), "--no-input", "--output-dir", "one", *given)
    two = run(tmp_path, "copier", "copy", "--defaults", *data, str(template.folder), "two/cafe-n-1")
    assert (one.returncode, two.returncode) == (0, 0), one.stderr + two.stderr
    return {
        "cookiecutter": (Project(tmp_path / "one" / "cafe-n-1"), one.stdout),
        "copier": (Project(tmp_path / "two" / "cafe-n-1"), two.stderr),
    }


def test_both_command_lines_write_the_same_project(made: dict[str, tuple[Project, str]]) -> None:
    assert made["cookiecutter"][0].files() == made["copier"][0].files()
    assert made["copier"][0].answers()["example_agents"] is False


def test_three_lines_say_where_it_is_how_to_start_it_and_how_to_update_it(
    made: dict[str, tuple[Project, str]], engine: str
) -> None:
    project, told = made[engine]
    created, start, update = told.strip().splitlines()[-3:]
    assert created.startswith("Created: ")
    assert created.endswith(project.folder.name)
    assert start.startswith("Start:   cd ")
    assert start.endswith("cafe-n-1 && make dev")
    assert "copier update --skip-answered" in update


def test_a_relative_template_path_is_stored_as_an_absolute_one(template: Template, tmp_path: Path) -> None:
    relative = Path(os.path.relpath(template.folder, tmp_path)).as_posix()
    done = subprocess.run(
        [sys.executable, "-m", "cookiecutter", relative, "--no-input", "--output-dir", "deep/made"],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        env=os.environ | {"PWD": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    assert Project(tmp_path / "deep" / "made" / "agent-service").answers()["_src_path"] == template.folder.as_posix()
