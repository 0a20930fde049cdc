"""Projects made from every release since v0.3.0, by either engine, update to the working tree.

Before there is such a release the working tree stands in for it, so that an update is tried all the same.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ENGINES
from tests.template import ANSWERS_FILE, Project, Template
from tests.update.releases import Release, releases, why_none
from tools import manifest
from tools.questions import ROOT
from tools.scratch import commit_all, copy_tree, git

FIRST = (0, 3, 0)
"""Updates are promised from this release on; projects made before are generated anew (CHANGELOG.md)."""

FOUND: list[Release | None] = [*(it for it in releases() if it.number >= FIRST)] or [None]
NEXT = "v999.0.0"
SEALED, PAGE = "src/harness/errors.py", "docs/index.md"
ANSWERS: dict[str, dict[str, object]] = {
    "full": {},
    "minimal": {
        "example_agents": False,
        "monitoring": False,
        "assurance": False,
        "kubernetes": False,
        "ci": "none",
        "language": "es",
    },
}


def cases() -> Iterator[Any]:
    """Everything from the last release; from each earlier one the project that most people have."""
    for release in FOUND:
        for engine in ENGINES:
            for name, answers in ANSWERS.items():
                if release == FOUND[-1] or (engine, name) == ("cookiecutter", "full"):
                    version = release.version if release else "working-tree"
                    yield pytest.param(release, engine, answers, id=f"{version}-{engine}-{name}")


def test_releases_are_found_by_their_titles_in_order(tmp_path: Path) -> None:
    for title in ("Start", "Release v0.9.0", "Release v0.9.0 notes", "Release v0.10.0"):
        commit_all(tmp_path, title)
    assert [release.version for release in releases(tmp_path)] == ["v0.9.0", "v0.10.0"]


def test_a_missing_history_is_said(tmp_path: Path) -> None:
    assert releases(tmp_path) == []
    assert why_none(tmp_path) == "no git history here"
    commit_all(tmp_path, "Start")
    assert "Release vX.Y.Z" in why_none(tmp_path)


@pytest.fixture
def since(request: pytest.FixtureRequest, clean_settings: None, tmp_path: Path) -> Template:
    """A clone that ends at the release, tagged; what came later is added by ``catch_up``."""
    release: Release | None = request.param
    folder = tmp_path / "template"
    if release is None:
        return Template.of_working_tree(folder)
    git(tmp_path, "clone", "--quiet", str(ROOT), str(folder))
    git(folder, "checkout", "--quiet", "-B", "main", release.commit)
    for tag in git(folder, "tag").split():
        git(folder, "tag", "--delete", tag)
    git(folder, "tag", "--annotate", release.version, "--message", release.version)
    return Template(folder)


def catch_up(template: Template) -> None:
    """Makes the clone what the working tree is now and a little more, as the next release."""
    git(template.folder, "rm", "-r", "--quiet", ".")
    copy_tree(template.folder)
    for name in (SEALED, PAGE):
        with (template.project_folder / name).open("a", encoding="utf-8", newline="\n") as file:
            file.write("\n# Of the next release.\n")
    commit_all(template.folder, "The next release")
    manifest.main(["--write"], template.folder)
    commit_all(template.folder, f"Release {NEXT}", NEXT)


@pytest.mark.parametrize(("since", "engine", "answers"), [*cases()], indirect=["since", "engine"])
def test_a_project_of_an_earlier_release_becomes_what_a_new_one_is(
    since: Template, engine: str, tmp_path: Path, answers: dict[str, object]
) -> None:
    old = since.with_engine(engine, tmp_path / "old", answers)
    old.commit("Generated")
    kept = old.answers()
    catch_up(since)

    old.update()

    assert [line for line in old.changes() if line.startswith(("UU", "AA", "DU", "UD"))] == []
    now = old.answers()
    assert now["_commit"] == NEXT
    assert [key for key in now.keys() & kept.keys() if now[key] != kept[key]] == ["_commit"]
    new = since.with_engine(engine, tmp_path / "new", {key: now[key] for key in now if not key.startswith("_")})
    assert template_owned(old, since) == template_owned(new, since)
    assert old.read(SEALED).endswith("# Of the next release.\n")


def template_owned(project: Project, template: Template) -> dict[str, tuple[bytes, int]]:
    """Every file that an update makes like the template's; what the user owns and the answers file left out."""
    return {
        name: content
        for name, content in project.files().items()
        if name != ANSWERS_FILE and not template.questions().is_user_owned(name)
    }
