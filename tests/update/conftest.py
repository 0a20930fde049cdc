"""A user's project, committed to git, and the template's next release."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.template import Project, Template
from tools.questions import PROJECT_FOLDER
from tools.scratch import commit_all, copy_tree

OWNED_AGENT = "src/app/agents/knowledge/agent.py"

CODE = tuple(f"{PROJECT_FOLDER}/{folder}/" for folder in ("src", "tests", "tools"))
KEPT = tuple(f"{PROJECT_FOLDER}/{path}" for path in ("src/app/", "tests/agents/"))
"""Code that an update treats in a way of its own."""


@dataclass(frozen=True)
class Life:
    """One project and the template that it came from."""

    template: Template
    project: Project

    def release(self, edits: dict[str, str], tag: str = "v0.0.2") -> None:
        """Releases the template with a line added to (or a new file made of) each of these project files."""
        for relative, text in edits.items():
            path = self.template.project_folder / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            before = path.read_text(encoding="utf-8") if path.exists() else ""
            path.write_text(before + text, encoding="utf-8", newline="\n")
        self.template.release(tag)


def begin(template: Template, engine: str, folder: Path, **answers: Any) -> Life:
    project = template.with_engine(engine, folder, answers)
    project.commit("Generated")
    return Life(template, project)


@pytest.fixture
def own_template(clean_settings: None, tmp_path: Path) -> Template:
    """The working tree, tagged, for one test to edit and to release anew.

    Without the code that is a file like any other to an update: copier takes 20 ms for each at every update, and
    `test_releases` updates all of them.
    """
    folder = tmp_path / "template"
    copy_tree(folder, leave_out=lambda name: name.startswith(CODE) and not name.startswith(KEPT))
    commit_all(folder, "Working tree without most of its code", "v0.0.1")
    return Template(folder)


@pytest.fixture
def life(own_template: Template, engine: str, tmp_path: Path) -> Life:
    """A project of the default answers, by either engine."""
    return begin(own_template, engine, tmp_path / "home")


def template_owned(template: Template) -> str:
    """A Markdown page that the template keeps up to date in every project."""
    owned = template.questions().user_owned
    pages = sorted((template.project_folder / "docs").rglob("*.md"))
    names = [page.relative_to(template.project_folder).as_posix() for page in pages]
    return next(name for name in names if not any(name == path or name.startswith(f"{path}/") for path in owned))
