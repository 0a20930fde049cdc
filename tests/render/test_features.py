"""A project has exactly the files that its answers bring; the lists lie in ``files/``, for review."""

import re
from pathlib import Path

import pytest

from tests.render.conftest import Row
from tools import copier_yml, file_lists
from tools.questions import ROOT, Questions
from tools.scratch import commit_all, copy_tree, tracked_files

LISTS = {
    path.stem: path.read_text(encoding="utf-8").split("\n")[:-1] for path in Path(__file__).parent.glob("files/*.txt")
}


def test_a_project_has_exactly_the_listed_files(row: Row) -> None:
    chosen = [feature.name for feature in Questions.read().features if feature.is_chosen(row.answers)]
    listed = [name for kind in ("always", *chosen) for name in LISTS[kind.replace(" ", "-")]]
    assert sorted(row.by_cookiecutter.files()) == sorted(listed)


@pytest.mark.parametrize("kind", sorted(LISTS))
def test_every_feature_brings_files(kind: str) -> None:
    assert LISTS[kind]


def test_every_path_of_the_features_table_exists() -> None:
    folder = ROOT / "{{cookiecutter.project_slug}}"
    questions = Questions.read()
    there = {questions.rendered(path.relative_to(folder).as_posix()) for path in folder.rglob("*")}
    missing = [path for feature in questions.features for path in feature.paths if path not in there]
    assert missing == []


AMAZON = re.compile(rb"(?i)cloudwatch|cloudformation|fargate|agentcore|deploy/aws")


def test_a_project_that_does_not_run_on_amazon_has_no_word_of_it(row: Row) -> None:
    if row.answers["aws"]:
        pytest.skip("it does")
    found = {name for name, (content, _) in row.by_cookiecutter.files().items() if AMAZON.search(content)}
    assert found <= {"tools/readiness/boxes.toml"}  # which has every box of the checklist


def test_a_change_makes_the_generated_files_stale_and_writing_mends_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy_tree(tmp_path)
    commit_all(tmp_path, "Copy")
    assert copier_yml.main(["--write"], tmp_path) == file_lists.main(["--write"], tmp_path) == 0
    assert copier_yml.main([], tmp_path) == file_lists.main([], tmp_path) == 0

    questions = tmp_path / "cookiecutter.json"
    questions.write_text(questions.read_text(encoding="utf-8").replace("Agent Service", "Other"), encoding="utf-8")
    (tmp_path / "{{cookiecutter.project_slug}}" / "new.txt").write_text("new\n", encoding="utf-8")

    assert copier_yml.main([], tmp_path) == 1
    assert file_lists.main([], tmp_path) == 1
    assert "always.txt: +new.txt" in capsys.readouterr().err

    assert copier_yml.main(["--write"], tmp_path) == file_lists.main(["--write"], tmp_path) == 0
    assert copier_yml.main([], tmp_path) == file_lists.main([], tmp_path) == 0


def test_no_python_file_of_the_project_holds_a_template_token() -> None:
    """So the template's Python runs, is checked and is formatted as it is; the two hooks hold one token each."""
    python = [ROOT / name for name in tracked_files() if name.endswith(".py")]
    project = [path for path in python if "{{cookiecutter.project_slug}}" in path.parts]
    assert project
    tokens = ("{" + "{", "{" + "%", "{" + "#")
    assert [path.name for path in project if any(token in path.read_text(encoding="utf-8") for token in tokens)] == []
    for hook in sorted((ROOT / "hooks").glob("*.py")):
        text = hook.read_text(encoding="utf-8")
        assert text.count("{" + "{ cookiecutter | tojson }" + "}") == 1
        assert sum(text.count(token) for token in tokens) == 1, hook.name
