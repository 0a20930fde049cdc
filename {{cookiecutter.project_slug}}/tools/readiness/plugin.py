"""The pytest side: refuses unknown box ids always, and gathers the evidence when asked for it."""

from collections.abc import Iterator

import pytest

from .checklist import Checklist
from .recorder import Recorder, ids_of


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the option that turns the gathering on."""
    parser.getgroup("readiness").addoption(
        "--readiness-evidence",
        metavar="FILE",
        help="gather which checklist boxes the tests prove, and write it to FILE as JSON",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Starts gathering; refuses to where assertions could not be counted."""
    file = config.getoption("--readiness-evidence")
    if file is None:
        return
    if config.getoption("assertmode") != "rewrite" or not config.getini(
        "enable_assertion_pass_hook"
    ):
        raise pytest.UsageError(
            "The readiness report counts assertions: set enable_assertion_pass_hook = true in the "
            "pytest settings and leave --assert at rewrite."
        )
    config.pluginmanager.register(Recorder(config, file), Recorder.NAME)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuses marks that name no box: such a test would prove nothing and nobody would notice."""
    if hasattr(config, "workerinput"):  # a worker that refuses is reported as a crash
        return
    checklist = Checklist.load()
    problems = [problem for item in items for problem in _problems(item, checklist)]
    if problems:
        raise pytest.UsageError("\n".join(dict.fromkeys(problems)))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """The same refusal in a worker of pytest-xdist, whose leader sees no tests, only results."""
    if hasattr(item.config, "workerinput"):
        problems = list(_problems(item, Checklist.load()))
        if problems:
            pytest.fail("\n".join(problems), pytrace=False)


def _problems(item: pytest.Item, checklist: Checklist) -> Iterator[str]:
    if any(not mark.args or mark.kwargs for mark in item.iter_markers("checklist")):
        yield f'{item.nodeid}: write @pytest.mark.checklist("ID") with one or more ids'
    for given, near in checklist.unknown(ids_of(item)).items():
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        yield f"{item.nodeid}: the checklist has no box {given!r}{hint}"
