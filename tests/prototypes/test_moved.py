"""Each prototype, moved into a freshly generated project, passes the suite in `conformance` as its flow.

The suite runs in the project's own environment, a copy of the project for each, installed once a process.
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.prototypes.moves import HERE, NAMES, Move
from tests.template import FIGURES, Project, Template
from tools.installed import install_project, interpreter
from tools.weight import MINIMAL

MINUTES = 60
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", ".nox", "__pycache__", ".*_cache")


@pytest.fixture(scope="module")
def installed(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """As little as can be, and the attacks."""
    answers = {**MINIMAL, "project_slug": "travel-desk", "assurance": True}
    project = template.with_cookiecutter(tmp_path_factory.mktemp("made"), answers)
    done = install_project(project.folder)
    assert done.returncode == 0, done.stdout
    return project


def moved(name: str, project: Project, folder: Path) -> Project:
    """A copy of `project` with the prototype in it, and the suite beside its tests."""
    shutil.copytree(project.folder, folder, ignore=LEFT_OUT)
    for path, text in Move(name).files().items():
        (folder / path).write_text(text, encoding="utf-8")
    suite = folder / "tests" / "prototypes"
    shutil.copytree(HERE / "conformance", suite, ignore=LEFT_OUT)
    shutil.copytree(HERE / "originals", suite / "originals", ignore=LEFT_OUT)
    return Project(folder)


def run(project: Project, python: Path, *command: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """A command of the project's own Python."""
    own = {key: value for key, value in os.environ.items() if not key.startswith(("VIRTUAL_ENV", "PYTHON", "PYTEST"))}
    return subprocess.run(
        [str(python), *command],
        cwd=project.folder,
        env=own | {"PYTHONPATH": "src", **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        timeout=10 * MINUTES,
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_prototype_that_moved_in_is_held_by_every_guard(
    name: str, installed: Project, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    project, python = moved(name, installed, tmp_path / "project"), interpreter(installed.folder)
    sealed = run(project, python, "tools/seal.py")
    assert sealed.returncode == 0, sealed.stdout
    done = run(project, python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/prototypes", PROTOTYPE=name)
    told = done.stdout.strip().splitlines()
    for line in told:
        if line.startswith("containment"):
            record_property(FIGURES, line)
    record_property(FIGURES, f"suite       {name:16} {told[-1]}")
    assert done.returncode == 0, done.stdout[-20_000:]
