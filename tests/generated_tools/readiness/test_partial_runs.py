"""What the tests of a part of a project say about their boxes, in one process and in two workers."""

import re
from pathlib import Path
from typing import Any

import pytest

from .conftest import Readiness, Told

SUITE = """
import pytest

pytestmark = pytest.mark.checklist("ARC-3")

def box(name):
    return pytest.mark.checklist(name)

@box("OBS-5")
def test_asserts():
    assert 1 + 1 == 2

@box("OBS-2")
class TestClass:
    @pytest.mark.parametrize("number", [1, 2])
    def test_cases(self, number):
        assert number
        assert len("a") == 1

@box("CODE-1")
def test_asserts_nothing():
    len("a")

@box("CODE-2")
def test_asserts_a_constant():
    assert True
    assert "text"

@box("CODE-3")
def test_expects_an_error_only():
    with pytest.raises(ValueError, match="invalid"):
        int("a")

@pytest.fixture
def asserting():
    assert 1 + 1 == 2

@box("CODE-4")
def test_its_fixture_asserts(asserting):
    pass

@box("SEC-1")
def test_fails():
    assert 1 + 1 == 2
    assert 1 + 1 == 3, "sums are <off>"

@pytest.fixture
def broken():
    raise RuntimeError("no engine")

@box("SEC-2")
def test_errors_in_setup(broken):
    assert 1 + 1 == 2

@pytest.fixture
def breaks_afterwards():
    yield
    raise RuntimeError("left a mess")

@box("ETH-3")
def test_errors_in_teardown(breaks_afterwards):
    assert 1 + 1 == 2

@box("DEP-1")
@pytest.mark.skip(reason="no container engine here")
def test_skipped():
    assert 1 + 1 == 2

@box("DEP-2")
def test_skips_on_the_way():
    assert 1 + 1 == 2
    pytest.skip("no network here")

@box("DEP-3")
@pytest.mark.xfail(reason="not built yet")
def test_expected_to_fail():
    assert 1 + 1 == 3

@box("DEP-4")
@pytest.mark.xfail(reason="not built yet", strict=False)
def test_passes_by_surprise():
    assert 1 + 1 == 2

@box("INT-3")
@pytest.mark.parametrize("number", [1, 2, 3])
def test_one_case_fails(number):
    assert number != 2

@box("INJ-1")
@pytest.mark.parametrize("number", [1, 2])
def test_one_case_is_skipped(number):
    if number == 1:
        pytest.skip("no network here")
    assert number

@box("TEST-2")
def test_the_gate():
    assert 1 + 1 == 2
"""

UNMARKED = """
def test_without_a_mark():
    assert 1 + 1 == 2

def test_fails_without_a_mark():
    assert 1 + 1 == 3
"""


@pytest.fixture(scope="module", params=[(), ("-n", "2")], ids=["alone", "workers"])
def told(request: Any, readiness: Readiness, tmp_path_factory: pytest.TempPathFactory) -> Told:
    files = {"tests/test_suite.py": SUITE, "tests/test_unmarked.py": UNMARKED}
    return readiness(tmp_path_factory.mktemp("project"), files, "tests", *request.param)


def test_a_test_proves_the_boxes_of_its_function_its_class_and_its_module(told: Told) -> None:
    assert told.states("OBS-5", "OBS-2") == ["proven", "proven"]
    assert told.box("OBS-5")["reason"] == ""
    assert len(told.box("ARC-3")["tests"]) == 16


def test_the_cases_of_a_test_are_one_and_their_assertions_add_up(told: Told) -> None:
    (test,) = told.box("OBS-2")["tests"]
    assert (test["name"], test["outcome"]) == ("tests/test_suite.py::TestClass::test_cases", "passed")
    assert test["assertions"] == 4


@pytest.mark.parametrize("name", ["CODE-1", "CODE-2", "CODE-3", "CODE-4"])
def test_a_test_that_asserts_nothing_itself_proves_nothing(told: Told, name: str) -> None:
    assert told.states(name) == ["unproven"]
    assert told.box(name)["reason"] == "It passed without asserting anything."


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("SEC-1", "sums are <off>"),
        ("SEC-2", "In setup: RuntimeError: no engine"),
        ("ETH-3", "In teardown: RuntimeError: left a mess"),
        ("INT-3", "assert 2 != 2"),
    ],
)
def test_a_failure_in_any_phase_or_case_fails_the_box(told: Told, name: str, reason: str) -> None:
    assert told.states(name) == ["failed"]
    assert told.box(name)["reason"] == reason
    assert told.code == 1


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("DEP-1", "no container engine here"),
        ("DEP-2", "no network here"),
        ("DEP-3", "Expected to fail: not built yet"),
        ("DEP-4", "Expected to fail: not built yet"),
    ],
)
def test_what_did_not_run_to_its_end_proves_nothing(told: Told, name: str, reason: str) -> None:
    assert told.states(name) == ["unproven"]
    assert told.box(name)["reason"] == reason


def test_a_case_that_passed_counts_more_than_one_that_was_skipped(told: Told) -> None:
    assert told.states("INJ-1") == ["proven"]


def test_what_a_partial_run_did_not_ask_for_is_not_run(told: Told) -> None:
    assert told.states("COST-1", "ETH-1") == ["not run", "not run"]
    assert told.box("TEST-2")["state"] == "not run"  # its figure belongs to a whole run
    assert "COST-1" not in told.out
    assert "This run left tests out" in told.page


def test_tests_without_a_mark_show_only_when_they_fail(told: Told) -> None:
    assert told.report
    assert told.report["other_failures"] == ["tests/test_unmarked.py::test_fails_without_a_mark"]
    assert "failed, for no box: tests/test_unmarked.py::test_fails_without_a_mark" in told.out


def test_the_summary_comes_last_and_counts_every_box_once(told: Told) -> None:
    summary = told.out.splitlines()[-1]
    counts = "3 proven, 5 failed, 8 unproven, 0 missing, 0 lost, 48 not run, 0 not chosen of 64"
    assert summary == counts
    assert "failed      SEC-1    pip-audit, safety and bandit: sums are <off>" in told.out


def test_the_page_shows_every_box_loads_nothing_and_keeps_text_as_text(told: Told) -> None:
    assert told.report
    ids = re.findall(r'<tr id="([A-Z]+-\d)"', told.page)
    assert ids == [box["id"] for box in told.report["boxes"]]
    assert "sums are &lt;off&gt;" in told.page
    assert "Desk &lt;script&gt;" in told.page
    assert not re.search(r"<script|<off>|url\(|@import|https?://|src=", told.page)
    assert "$" not in told.page


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["alone", "worker"])
def test_a_mark_that_names_no_box_fails_even_where_the_test_is_skipped(
    readiness: Readiness, tmp_path: Path, workers: tuple[str, ...]
) -> None:
    suite = """
import pytest

@pytest.mark.checklist("OBS-55")
@pytest.mark.skip(reason="later")
def test_one():
    assert 1 + 1 == 2

@pytest.mark.checklist
def test_two():
    assert 1 + 1 == 2
"""
    told = readiness(tmp_path, {"tests/test_suite.py": suite}, "-q", *workers)
    assert told.code == 1
    assert "tests/test_suite.py::test_one: the checklist has no box 'OBS-55'" in told.out
    assert "tests/test_suite.py::test_two: the checklist has no box ''" in told.out


def test_tests_that_cannot_be_collected_give_no_report_and_pytests_own_code(
    readiness: Readiness, tmp_path: Path
) -> None:
    told = readiness(tmp_path, {"tests/test_broken.py": "import no_such_module\n"}, "tests")
    assert (told.code, told.report) == (pytest.ExitCode.INTERRUPTED, None)
    assert "No readiness report: pytest stopped with code 2." in told.out


def test_settings_that_hide_assertions_are_refused(readiness: Readiness, tmp_path: Path) -> None:
    settings = "[tool.pytest.ini_options]\nmarkers = ['checklist: boxes']\n"
    told = readiness(tmp_path, {"pyproject.toml": settings}, "-q")
    assert told.code == pytest.ExitCode.USAGE_ERROR
    assert "set enable_assertion_pass_hook = true" in told.out
