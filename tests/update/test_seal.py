"""Sealed files through an update: replaced whole, or merged where they are patched; its owner is told what to read."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.template import ANSWERS_FILE, Project, Template
from tests.update.conftest import CODE, Life, begin
from tools import manifest
from tools.questions import PROJECT_FOLDER
from tools.scratch import commit_all, copy_tree, git

SEALED = "src/harness/errors.py"
LAST = "\n\nADDED_BY_THE_TEMPLATE = True\n"
LEFT_IN = tuple(f"{PROJECT_FOLDER}/{path}" for path in ("src/app/", "tests/agents/", SEALED, "tools/seal.py"))

# Each documented place (docs/build.md of a project) and what an owner may have put there.
PLACES = {
    "src/app/agents/billing/agent.py": "MINE = True\n",
    "src/app/settings.py": "MINE = True\n",
    "src/app/prompts/sentences.py": "MINE = True\n",
    "src/app/erp.py": "def loose() -> None: ...\n",
    "tests/agents/billing/test_agent.py": "MINE = True\n",
    "data/prices/prices.csv": "name,price\n",
    "ruff.toml": "line-length = 80\n",
    "README.md": "# Mine\n",
    "security.toml": "# Mine\n",
    "docs/operations.md": "# Mine\n",
    "compose.override.yaml": "services: {}\n",
    "monitoring/grafana/dashboards/mine.json": "{}\n",
    ".github/workflows/deploy.yml": "name: Mine\n",
}
CONFLICTS = ("UU", "AA", "DU", "UD", "AU", "UA")


@pytest.fixture
def own_template(clean_settings: None, tmp_path: Path) -> Template:
    """The working tree with little of its code, sealed anew, tagged."""
    folder = tmp_path / "template"
    copy_tree(folder, leave_out=lambda name: name.startswith(CODE) and not name.startswith(LEFT_IN))
    commit_all(folder, "Working tree without most of its code")
    manifest.main(["--write"], folder)
    commit_all(folder, "Sealed", "v0.0.1")
    return Template(folder)


@pytest.fixture
def life(own_template: Template, engine: str, tmp_path: Path) -> Life:
    """A project of the default answers, by either engine."""
    return begin(own_template, engine, tmp_path / "home")


def release(life: Life, edits: dict[str, str], tag: str = "v0.0.2") -> None:
    """The template's next release: each file with a text added, and the manifest that fits."""
    for name, text in edits.items():
        path = life.template.project_folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        path.write_text(before + text, encoding="utf-8", newline="\n")
    manifest.main(["--write"], life.template.folder)
    life.template.release(tag)


def seal(project: Project, *arguments: str) -> tuple[int, str]:
    """The exit code of the project's own check, and what it said."""
    command = [sys.executable, "tools/seal.py", *arguments]
    done = subprocess.run(command, cwd=project.folder, capture_output=True, encoding="utf-8")
    return done.returncode, done.stdout + done.stderr


def conflicts(project: Project) -> list[str]:
    return [line for line in project.changes() if line.startswith(CONFLICTS)]


def test_code_in_every_documented_place_meets_no_conflict_and_stays(life: Life) -> None:
    for name, text in PLACES.items():
        life.project.write(name, text)
    main = life.project.read("src/app/main.py") + "\nMINE = True\n"
    life.project.write("src/app/main.py", main)
    dependency = life.project.read("pyproject.toml").replace(
        "dependencies = [\n", 'dependencies = [\n    "mine>=1",\n', 1
    )
    life.project.write("pyproject.toml", dependency)
    life.project.commit()
    assert seal(life.project) == (0, "")

    new = "src/harness/limits/new.py"
    release(
        life,
        {
            SEALED: LAST,
            new: "NEW = True\n",
            "src/app/main.py": LAST,
            "ruff.toml": "# new\n",
            "pyproject.toml": "# new\n",
        },
    )
    life.project.update()

    assert conflicts(life.project) == []
    assert {name: life.project.read(name) for name in PLACES} == PLACES
    assert life.project.read("src/app/main.py") == main
    assert '"mine>=1",' in life.project.read("pyproject.toml")
    assert life.project.read(SEALED).endswith(LAST)
    assert life.project.read(new) == "NEW = True\n"
    assert seal(life.project) == (0, "")
    assert seal(life.project, "updated") == (0, "Nothing of yours was merged, moved or removed.\n")


def test_a_patched_file_is_merged_by_line_and_reported_until_it_is_read(life: Life) -> None:
    life.project.write(SEALED, "# Mine, above.\n" + life.project.read(SEALED))
    code, said = seal(life.project)
    assert code == 1
    assert f"{SEALED}: changed" in said
    assert seal(life.project, "patch", SEALED)[0] == seal(life.project)[0] == 0
    life.project.commit()

    release(life, {SEALED: LAST})
    life.project.update()

    assert conflicts(life.project) == []
    merged = life.project.read(SEALED)
    assert merged.startswith("# Mine, above.\n")
    assert merged.endswith(LAST)
    assert seal(life.project, "updated")[1].startswith(f"merged by line: {SEALED}: ")
    assert f"{SEALED}: the template's copy of this patched file has changed since" in seal(life.project)[1]
    seal(life.project, "patch", SEALED)
    assert seal(life.project) == (0, "")


def test_a_patch_of_the_very_line_that_the_template_changed_is_a_conflict_that_can_be_read(life: Life) -> None:
    life.project.write(SEALED, life.project.read(SEALED) + "MINE = True\n")
    seal(life.project, "patch", SEALED)
    life.project.commit()

    release(life, {SEALED: "THEIRS = True\n"})
    life.project.update()

    assert conflicts(life.project) == [f"UU {SEALED}"]
    assert re.search(r"<<<<<<< .*\nMINE = True\n=======\nTHEIRS = True\n>>>>>>> ", life.project.read(SEALED))
    code, said = seal(life.project, "updated")
    assert (code, said.partition(": choose")[0]) == (1, f"conflict: {SEALED}")


def test_a_deleted_example_agent_meets_no_conflict_and_stays_away(life: Life) -> None:
    git(life.project.folder, "rm", "-r", "--quiet", "src/app/agents/weather", "tests/agents/weather")
    life.project.commit()

    release(life, {"src/app/agents/weather/agent.py": LAST, SEALED: LAST})
    life.project.update()

    assert conflicts(life.project) == []
    assert not (life.project.folder / "src/app/agents/weather").exists()
    assert seal(life.project) == (0, "")


def test_what_the_template_moved_or_removed_is_named_where_its_owner_had_changed_it(life: Life) -> None:
    moved, removed, untouched = "docs/prove.md", "docs/run.md", "docs/build.md"
    for name in (moved, removed):
        life.project.write(name, "Mine.\n" + life.project.read(name))
    life.project.write(SEALED, "# Mine.\n" + life.project.read(SEALED))
    seal(life.project, "patch", SEALED)
    life.project.commit()

    folder = life.template.project_folder
    (folder / "docs/pages").mkdir()
    (folder / moved).rename(folder / "docs/pages/prove.md")
    for name in (removed, untouched, SEALED):
        (folder / name).unlink()
    release(life, {})
    life.project.update()

    said = seal(life.project, "updated")[1]
    assert f"moved to docs/pages/prove.md by the template, though you had changed it: {moved}: " in said
    assert f"removed by the template, though you had changed it: {removed}: " in said
    assert f"removed by the template, though you had changed it: {SEALED}: " in said
    assert "removed, never changed by you: 1 files" in said
    assert git(life.project.folder, "show", f"HEAD:{removed}").startswith("Mine.")


def test_an_update_that_brings_nothing_leaves_the_seal_whole(life: Life) -> None:
    release(life, {})
    life.project.update()
    assert life.project.changes() == [f"M {ANSWERS_FILE}"]
    assert seal(life.project) == (0, "")
