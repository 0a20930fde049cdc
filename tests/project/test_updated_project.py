"""A project of the release before, customised in the documented places, is updated, installed, started and asked."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.template import Project, Template
from tools import manifest
from tools.demo import QUESTION, ask, free_port, install, serving

SEALED = "src/harness/errors.py"


def customise(project: Project) -> None:
    """An agent deleted, code, lint rules and a page added, and a sealed file changed and listed."""
    for name in ("src/app/agents/news", "tests/agents/news"):
        shutil.rmtree(project.folder / name)
    project.write("src/app/opening.py", "def hours() -> str:\n    return '9 to 18'\n")
    project.write(
        "src/app/main.py", project.read("src/app/main.py") + "\nfrom .opening import hours  # noqa: E402, F401\n"
    )
    project.write(SEALED, "# Ours.\n" + project.read(SEALED))
    project.write("docs/hours.md", "# Hours\n")
    project.write("ruff.toml", "line-length = 80\n")
    subprocess.run([sys.executable, "tools/seal.py", "patch", SEALED], cwd=project.folder, check=True)


def test_a_customised_project_of_the_release_before_updates_starts_and_answers(
    clean_settings: None, tmp_path: Path
) -> None:
    template = Template.of_working_tree(tmp_path / "template")
    project = template.with_cookiecutter(tmp_path / "home", {})
    customise(project)
    project.commit("Generated and made ours")
    for name in (SEALED, "src/harness/service.py", "docs/index.md"):
        path = template.project_folder / name
        path.write_text(path.read_text(encoding="utf-8") + "\n# Of the next release.\n", encoding="utf-8")
    manifest.main(["--write"], template.folder)
    template.release("v0.0.2")

    project.update()

    assert [line for line in project.changes() if line.startswith(("UU", "AA", "DU", "UD"))] == []
    subprocess.run([sys.executable, "tools/seal.py", "patch", SEALED], cwd=project.folder, check=True)
    subprocess.run([sys.executable, "tools/seal.py"], cwd=project.folder, check=True)
    python, port = install(project.folder), free_port(0)
    with serving(project.folder, python, port):
        answer = ask(port, QUESTION)
    assert {agent["name"] for agent in answer["agents"]} == {"weather", "currency"}
    assert not (project.folder / "src/app/agents/news").exists()
