"""Fixtures: the working tree as a tagged template, and everyone's own git and copier settings kept away."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from copier._main import Worker

from tests.template import FIGURES, Template
from tools.scratch import GIT_ENVIRONMENT

ENGINES = ("cookiecutter", "copier")


@pytest.fixture(scope="session", autouse=True)
def clean_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Neither the git nor the copier nor the cookiecutter settings of whoever runs the tests change what they see."""
    home = tmp_path_factory.mktemp("home")
    (home / "copier.yml").write_text("{}", encoding="utf-8")
    own = {"COPIER_SETTINGS_PATH": str(home / "copier.yml"), "COPIER_CACHE_DIR": str(home / "copier")}
    with pytest.MonkeyPatch.context() as patch:
        for key, value in (GIT_ENVIRONMENT | own).items():
            patch.setenv(key, value)
        for key in [key for key in os.environ if key in ("GIT_DIR", "GIT_WORK_TREE", "COOKIECUTTER_CONFIG")]:
            patch.delenv(key)
        if os.name != "nt":
            # For each file copier starts git to ask whether modes count: a third of a test's time. Here they do.
            patch.setattr(Worker, "_sync_git_index_executable_bit", lambda *_: None)
        yield


@pytest.fixture(scope="session")
def template(clean_settings: None, tmp_path_factory: pytest.TempPathFactory) -> Template:
    """The working tree, tagged; not to be edited."""
    return Template.of_working_tree(tmp_path_factory.mktemp("template") / "repository")


@pytest.fixture(scope="session")
def questions_only(clean_settings: None, tmp_path_factory: pytest.TempPathFactory) -> Template:
    """Questions, rules and hooks without a project's files; not to be edited."""
    return Template.of_questions(tmp_path_factory.mktemp("questions") / "repository")


@pytest.fixture
def own_template(clean_settings: None, tmp_path: Path) -> Template:
    """The working tree, tagged, for one test to edit and to release anew."""
    return Template.of_working_tree(tmp_path / "template")


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What is costly is made once a group: stop where the plugin that spreads tests does not keep groups together."""
    if hasattr(config, "workerinput"):
        apart = [it.nodeid for it in items if it.get_closest_marker("xdist_group") and "@" not in it.nodeid]
        assert not apart, f"pytest-xdist ignores groups; take the versions of requirements/test.txt: {apart[:3]}"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Prints the figures that tests recorded, also where they ran in other processes."""
    reports = [it for outcome in ("passed", "failed") for it in terminalreporter.stats.get(outcome, [])]
    told = [value for it in reports for name, value in it.user_properties if name == FIGURES]
    for line in sorted(told):
        terminalreporter.write_line(line)
