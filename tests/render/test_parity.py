"""cookiecutter and copier write the same project, and nothing of the template is left in it."""

import re
import subprocess
import sys
from pathlib import Path

from tests.render.conftest import ROWS, Row
from tests.template import ANSWERS_FILE
from tools.questions import Questions

PLACEHOLDER_OF_LIBRECHAT = "{{LIBRECHAT_BODY_CONVERSATIONID}}"
TEMPLATE_TOKEN = re.compile(r"\{\{|\{%|\{#|cookiecutter\.(?:_|[a-z]+_)|_copier_")
# Expressions of others, in their own files only: GitHub's, what `docker inspect --format` takes, CloudFormation's.
OF_OTHERS = (".github/", ".gitlab-ci.yml", "deploy/aws/templates/")
EXPRESSION = re.compile(r"\$\{\{[^{}\n]*\}\}|--format '\{\{[^{}\n]*\}\}'|\{\{resolve:[^}\n]*\}[^}\n]*\}\}")


def test_the_rows_meet_every_answer_of_every_closed_question() -> None:
    for question, answers in Questions.read().choices().items():
        assert {row[question] for row in ROWS.values()} == set(answers), question


def test_both_engines_write_the_same_files_bytes_and_modes(row: Row) -> None:
    one, two = row.by_cookiecutter.files(), row.by_copier.files()
    assert sorted(one) == sorted(two)
    assert [name for name in one if one[name] != two[name]] == []


def test_the_answers_file_holds_every_answer_the_template_and_its_release(row: Row) -> None:
    stored = row.by_copier.answers()
    assert list(stored) == sorted({"_commit", "_src_path", *Questions.read().defaults})
    assert stored["_commit"] == "v0.0.1"
    assert {key: stored[key] for key in row.answers} == row.answers


def test_no_template_token_is_left_over(row: Row) -> None:
    left_over = []
    for name, (content, _) in row.by_cookiecutter.files().items():
        if name == ANSWERS_FILE:
            continue
        text = content.decode()
        if name.startswith(OF_OTHERS):
            text = EXPRESSION.sub("", text)
        text = text.replace(PLACEHOLDER_OF_LIBRECHAT, "")
        left_over += [f"{name}: {found.group()}" for found in TEMPLATE_TOKEN.finditer(text)]
    assert left_over == []


def test_the_sealed_files_are_those_of_the_manifest(row: Row) -> None:
    """Whatever the answers: no sealed file depends on one."""
    for project in (row.by_cookiecutter, row.by_copier):
        done = subprocess.run(
            [sys.executable, "tools/seal.py"], cwd=project.folder, capture_output=True, encoding="utf-8"
        )
        assert (done.returncode, done.stderr) == (0, "")


def test_no_folder_is_empty(row: Row) -> None:
    assert row.by_cookiecutter.empty_folders() == []
    assert row.by_copier.empty_folders() == []


def test_python_files_are_the_templates_own_bytes(row: Row, source_files: dict[str, Path]) -> None:
    """What was formatted, linted and typed in the template is so in every project."""
    python = {name: content for name, (content, _) in row.by_cookiecutter.files().items() if name.endswith(".py")}
    assert python
    assert [name for name, content in python.items() if content != source_files[name].read_bytes()] == []
