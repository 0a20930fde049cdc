"""What the hook writes into the answers file: where the template is and which release it was."""

import runpy
from pathlib import Path
from typing import Any

import pytest

from tests.template import Template
from tools.questions import ROOT
from tools.scratch import commit_all, git

HOOK = runpy.run_path(str(ROOT / "hooks" / "post_gen_project.py"))
TemplateSource = HOOK["TemplateSource"]


def source(typed: str, repo_dir: Path | str, output: Path, shell: str = "") -> Any:
    context = {"_template": typed, "_repo_dir": str(repo_dir), "_output_dir": str(output)}
    return TemplateSource.from_context(context, shell)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What cookiecutter keeps of a remote template: a clone with an origin and one release."""
    folder = tmp_path / "clones" / "template"
    folder.mkdir(parents=True)
    (folder / "cookiecutter.json").write_text("{}", encoding="utf-8")
    commit_all(folder, "Release v1.2.3", "v1.2.3")
    git(folder, "remote", "add", "origin", "https://git.example.com/team/template")
    return folder


@pytest.mark.parametrize(
    "typed",
    [
        "gh:team/template",
        "gl:team/template",
        "git@git.example.com:team/template.git",
        "git+https://git.example.com/team/template",
        "https://github.com/team/template",
        "https://git.example.com/team/template.git",
    ],
)
def test_an_address_that_copier_understands_stays_as_typed(clone: Path, tmp_path: Path, typed: str) -> None:
    assert source(typed, clone, tmp_path).path() == typed


@pytest.mark.parametrize("typed", ["bb:team/template", "template", "https://git.example.com/team/template"])
def test_any_other_address_becomes_the_clones_origin_in_copiers_words(clone: Path, tmp_path: Path, typed: str) -> None:
    assert source(typed, clone, tmp_path).path() == "git+https://git.example.com/team/template"


def test_an_origin_that_copier_understands_is_taken_as_it_is(clone: Path, tmp_path: Path) -> None:
    git(clone, "remote", "set-url", "origin", "ssh://git@git.example.com/team/template.git")
    assert source("mine:template", clone, tmp_path).path() == "ssh://git@git.example.com/team/template.git"


def test_a_relative_path_is_taken_from_where_the_user_stood(clone: Path, tmp_path: Path) -> None:
    made = source("clones/template", "clones/template", tmp_path / "elsewhere", shell=str(tmp_path))
    assert made.path() == clone.as_posix()


def test_a_relative_path_without_a_shell_is_taken_from_the_output_folder_or_above(clone: Path, tmp_path: Path) -> None:
    assert source("clones/template", "clones/template", tmp_path).path() == clone.as_posix()
    assert source("clones/template", "clones/template", tmp_path / "made" / "here").path() == clone.as_posix()


def test_an_absolute_path_stays_even_where_its_clone_has_an_origin(clone: Path, tmp_path: Path) -> None:
    assert source(str(clone), clone, tmp_path).path() == clone.as_posix()


def test_the_commit_is_the_release_and_never_another_tag_or_branch(clone: Path, tmp_path: Path) -> None:
    git(clone, "tag", "--annotate", "latest", "--message", "moves")
    git(clone, "checkout", "--quiet", "-b", "v9")
    made = source(str(clone), clone, tmp_path)
    assert made.commit() == "v1.2.3"
    assert made.can_update()


def test_a_commit_after_the_release_is_named_by_its_distance(clone: Path, tmp_path: Path) -> None:
    commit_all(clone, "One more")
    assert source(str(clone), clone, tmp_path).commit().startswith("v1.2.3-1-g")


def test_a_filled_in_archive_tells_its_release(tmp_path: Path) -> None:
    unpacked = tmp_path / "unpacked"
    unpacked.mkdir()
    (unpacked / ".git_archival.txt").write_text("node: 0123abc\ndescribe: v1.2.3\n", encoding="utf-8")
    typed = "https://git.example.com/team/template/-/archive/v1.2.3/template-v1.2.3.zip"
    made = source(typed, unpacked, tmp_path)
    assert made.path() == "https://git.example.com/team/template.git"
    assert made.commit() == "v1.2.3"
    assert made.can_update()


def test_an_archive_before_any_release_tells_its_commit(tmp_path: Path) -> None:
    (tmp_path / ".git_archival.txt").write_text("node: 0123abc\ndescribe: \n", encoding="utf-8")
    assert source("template.zip", tmp_path, tmp_path).commit() == "0123abc"


def test_a_plain_copy_without_history_knows_no_commit_and_says_so(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "cookiecutter.json").write_text("{}", encoding="utf-8")
    text = (ROOT / ".git_archival.txt").read_text(encoding="utf-8")
    (copy / ".git_archival.txt").write_text(text, encoding="utf-8")
    made = source(str(copy), copy, tmp_path)
    assert made.commit() == ""
    assert not made.can_update()


def test_an_archive_unpacked_inside_another_repository_is_not_taken_for_it(clone: Path, tmp_path: Path) -> None:
    inner = clone / "vendor" / "template"
    inner.mkdir(parents=True)
    (inner / "cookiecutter.json").write_text("{}", encoding="utf-8")
    assert source(str(inner), inner, tmp_path).commit() == ""


def test_git_archive_fills_in_the_templates_own_file(template: Template, tmp_path: Path) -> None:
    git(
        template.folder,
        "archive",
        "--format=tar",
        f"--output={tmp_path / 'template.tar'}",
        "v0.0.1",
        ".git_archival.txt",
    )
    filled = (tmp_path / "template.tar").read_bytes().decode("ascii", errors="ignore")
    assert "describe: v0.0.1" in filled
    assert "$Format" not in filled
