"""Every file of every project is well formed, and hostile answers arrive in it unharmed."""

import hashlib
import html
import itertools
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import yaml

from tests.render.conftest import Row
from tests.template import Project
from tools.questions import Questions


def texts(project: Project, *suffixes: str) -> dict[str, str]:
    return {name: content.decode() for name, (content, _) in project.files().items() if name.endswith(suffixes)}


class Tagged(yaml.SafeLoader):
    """YAML with the tags of CloudFormation, whose meaning the project's own tests hold."""


Tagged.add_multi_constructor("!", lambda loader, suffix, node: None)


def test_toml_yaml_and_json_files_are_valid(row: Row) -> None:
    parsers: dict[str, Callable[[str], object]] = {
        ".toml": tomllib.loads,
        ".json": json.loads,
        ".yml": lambda text: list(yaml.safe_load_all(text)),
        ".yaml": lambda text: list(yaml.load_all(text, Tagged)),
    }
    parsed = 0
    for suffix, parse in parsers.items():
        for name, text in texts(row.by_cookiecutter, suffix).items():
            try:
                parse(text)
            except ValueError as error:
                raise AssertionError(f"{name}: {error}") from error
            parsed += 1
    assert parsed > 3


def test_the_package_metadata_are_the_answers(row: Row) -> None:
    metadata = tomllib.loads(row.by_cookiecutter.read("pyproject.toml"))["project"]
    answers = row.answers
    assert metadata["name"] == answers["project_slug"]
    assert metadata["description"] == answers["description"]
    assert metadata["authors"] == [{"name": answers["author_name"], "email": answers["author_email"]}]
    assert metadata["requires-python"] == f">={answers['python_version']}"
    assert answers["repository_url"] in metadata["urls"].values()


def test_the_documentation_is_called_as_the_answers_say(row: Row) -> None:
    site = yaml.safe_load(row.by_cookiecutter.read("properdocs.yml"))
    shown = {key: html.unescape(site[key]) for key in ("site_name", "site_description")}
    assert shown == {"site_name": row.answers["project_name"], "site_description": row.answers["description"]}


def test_no_slug_may_be_the_name_of_something_the_project_installs(row: Row) -> None:
    """It would ask for itself, or its command would replace a tool's in the environment."""
    raw = tomllib.loads(row.by_cookiecutter.read("pyproject.toml"))
    asked = [*raw["project"]["dependencies"], *itertools.chain(*raw["project"]["optional-dependencies"].values())]
    asked += itertools.chain(*raw["dependency-groups"].values())
    names = {re.split(r"[^a-z0-9-]", text)[0] for text in asked if isinstance(text, str)}
    assert names - set(Questions.read().rules["project_slug"]["refused"]) == set()


def test_the_running_code_is_told_the_answers(row: Row) -> None:
    told = json.loads(row.by_cookiecutter.read("src/app/project.json"))
    answers = row.answers
    assert told["name"] == answers["project_slug"]
    assert told["title"] == answers["project_name"]
    for question in ("description", "language", "llm_provider", "repository_url"):
        assert told[question] == answers[question]


def test_the_names_in_amazons_parameters_are_legal_for_every_slug(row: Row) -> None:
    if not row.answers["aws"]:
        pytest.skip("the project does not run there")
    parameters = json.loads(row.by_cookiecutter.read("deploy/aws/parameters/production.json"))["Parameters"]
    assert parameters["Name"] == row.answers["project_slug"]
    assert re.fullmatch(r"[a-zA-Z][a-zA-Z0-9_]{0,47}", parameters["RuntimeName"])
    assert parameters["Mail"] == row.answers["author_email"]


def test_texts_end_with_one_line_end_and_have_no_blank_line_where_a_condition_was(row: Row) -> None:
    untidy = []
    for name, text in texts(row.by_cookiecutter, ".md", ".toml", ".yml", ".yaml", "Makefile", ".example").items():
        if not text.endswith("\n") or text.endswith("\n\n") or text.startswith("\n") or "\n\n\n\n" in text:
            untidy.append(name)
    assert untidy == []


@pytest.fixture(scope="session")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all processes of this run."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "seen"
    folder.mkdir(exist_ok=True)
    return folder


def test_python_is_formatted_and_clean_under_the_projects_own_settings(row: Row, seen: Path) -> None:
    """Each file once under the same settings: rows share most of them, and the tools take 20 s for all."""
    project = row.by_cookiecutter
    settings = tomllib.loads(project.read("pyproject.toml"))["tool"]
    rules = (settings["black"], settings["isort"], project.read("ruff.toml"))
    marks = {}
    for name, (content, _) in project.files().items():
        mark = seen / hashlib.sha256(repr((rules, name, content)).encode()).hexdigest()
        if name.endswith(".py") and not mark.exists():
            marks[name] = mark
    assert complaints(project.folder, sorted(marks)) == ""
    for mark in marks.values():
        mark.touch()


def test_the_owners_code_meets_the_house_rules_as_it_is_generated(row: Row) -> None:
    """Later they are advice there, which fails nothing; the boxes are proven on what was generated."""
    assert run_advice(row.by_cookiecutter.folder) == ""


def run_advice(folder: Path) -> str:
    command = [sys.executable, "-m", "tests.harness.structure"]
    done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8")
    return done.stdout + done.stderr


def complaints(folder: Path, names: Sequence[str]) -> str:
    if not names:
        return ""
    isort = run(folder, "isort", "--check-only", *names)
    black = run(folder, "black", "--check", "--fast", *names)
    return isort + black + run(folder, "ruff", "check", "--quiet", "--no-cache", *names)


def test_a_badly_formatted_file_would_be_found(row: Row, tmp_path: Path) -> None:
    """The check above can fail: a copy of the settings with one bad file beside them."""
    for name in ("pyproject.toml", "ruff.toml"):
        (tmp_path / name).write_text(row.by_cookiecutter.read(name), encoding="utf-8")
    (tmp_path / "bad.py").write_text("import sys, os\nx = { 'a':1 }\n", encoding="utf-8")
    assert "bad.py" in run(tmp_path, "isort", "--check-only", ".")
    assert "bad.py" in run(tmp_path, "black", "--check", ".")
    assert "bad.py" in run(tmp_path, "ruff", "check", "--no-cache", ".")


def run(folder: Path, *command: str) -> str:
    """What the tool complains about; empty when it is content."""
    done = subprocess.run([sys.executable, "-m", *command], cwd=folder, capture_output=True, encoding="utf-8")
    return (done.stdout + done.stderr or f"exit {done.returncode}") if done.returncode else ""
