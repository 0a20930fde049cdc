"""Every pairwise row, rendered once by each engine; the tests of one row run in one process."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.answers import rows
from tests.template import Project, Template
from tools.questions import Questions

ROWS = rows(Questions.read())


@dataclass(frozen=True)
class Row:
    """The same answers through both engines."""

    answers: dict[str, Any]
    by_cookiecutter: Project
    by_copier: Project


@pytest.fixture(scope="session", params=[pytest.param(row, marks=pytest.mark.xdist_group(row), id=row) for row in ROWS])
def row(request: pytest.FixtureRequest, template: Template, tmp_path_factory: pytest.TempPathFactory) -> Row:
    into = tmp_path_factory.mktemp("row")
    by_cookiecutter = template.with_cookiecutter(into / "cookiecutter", ROWS[request.param])
    answers = {key: value for key, value in by_cookiecutter.answers().items() if not key.startswith("_")}
    by_copier = template.with_copier(into / "copier", ROWS[request.param])
    return Row(answers, by_cookiecutter, by_copier)


@pytest.fixture(scope="session")
def source_files(template: Template) -> dict[str, Path]:
    """Path in a project -> file, of everything in the unrendered project."""
    folder, questions = template.project_folder, template.questions()
    files = (path for path in folder.rglob("*") if path.is_file())
    return {questions.rendered(path.relative_to(folder).as_posix()): path for path in files}
