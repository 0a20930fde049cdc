"""The faults that broke updates in trials, planted one by one: the checks of this folder see each of them."""

import re
from pathlib import Path

import pytest

from tests.template import ANSWERS_FILE, Template
from tests.update.conftest import Life, begin, template_owned


def plant(template: Template, path: str, pattern: str, replacement: str) -> None:
    """Changes one place of a template file and releases it; a pattern that finds nothing fails."""
    file = template.folder / path
    text, found = re.subn(pattern, replacement, file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert found
    file.write_text(text, encoding="utf-8", newline="\n")
    template.release("v0.0.2")


def test_without_the_exclusion_a_new_example_agent_does_appear(
    own_template: Template, engine: str, tmp_path: Path
) -> None:
    plant(own_template, "copier.yml", r"^.*_copier_operation == 'update' %}.*$", "")
    life = begin(own_template, engine, tmp_path / "home")
    life.release({"src/app/agents/sports/agent.py": "THEIRS = True\n"}, "v0.0.3")
    life.project.update()
    assert (life.project.folder / "src/app/agents/sports/agent.py").exists()


def test_with_a_branch_for_a_commit_no_fix_arrives(life: Life) -> None:
    page = template_owned(life.template)
    stored = life.project.read(ANSWERS_FILE)
    life.project.write(ANSWERS_FILE, re.sub("(?m)^_commit: .*$", "_commit: main", stored))
    life.project.commit()
    life.release({page: "\nA fix of the template.\n"})
    life.project.update(to="main")
    assert not life.project.read(page).endswith("A fix of the template.\n")


def test_a_file_with_windows_line_ends_comes_out_differently(own_template: Template, tmp_path: Path) -> None:
    (own_template.project_folder / "windows.txt").write_bytes(b"one\r\ntwo\r\n")
    (own_template.folder / ".gitattributes").unlink()
    own_template.release("v0.0.2")
    one = own_template.with_cookiecutter(tmp_path / "one", {}).files()["windows.txt"]
    two = own_template.with_copier(tmp_path / "two", {}).files()["windows.txt"]
    assert one != two


def test_a_feature_forgotten_in_copiers_exclusions_makes_the_engines_differ(
    own_template: Template, tmp_path: Path
) -> None:
    plant(own_template, "copier.yml", r"^.*not \(ci \| .*$", "")
    one = own_template.with_cookiecutter(tmp_path / "one", {"ci": "none"}).files()
    two = own_template.with_copier(tmp_path / "two", {"ci": "none"}).files()
    assert set(two) - set(one)


def test_a_hook_that_rewrites_a_file_is_no_fixpoint(own_template: Template, tmp_path: Path) -> None:
    page = template_owned(own_template)
    plant(
        own_template, "hooks/post_gen_project.py", r"^(    answers = .*)$", rf'    Path("{page}").write_text("x")\n\1'
    )
    life = begin(own_template, "cookiecutter", tmp_path / "home")
    life.release({page: "\nA fix of the template.\n"}, "v0.0.3")
    life.project.update()
    assert f"UU {page}" in life.project.changes()


def test_an_answer_to_an_unknown_question_does_not_look_tested(template: Template, tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="renamed"):
        template.with_cookiecutter(tmp_path / "made", {"renamed": "x"})
