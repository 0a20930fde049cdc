from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tools.readiness.evidence import Evidence, Run
from tools.readiness.recorder import is_constant

SUITE = """
import pytest

pytestmark = pytest.mark.checklist("ARC-3")


@pytest.mark.checklist("OBS-5", "OBS-1")
def test_asserts():
    assert 1 + 1 == 2


@pytest.mark.parametrize("number", [1, 2])
def test_cases(number):
    assert number
    assert number < 3


@pytest.mark.checklist("OBS-2")
class TestClass:
    def test_method(self):
        assert len("a") == 1


def test_asserts_nothing():
    len("a")


def test_asserts_a_constant():
    assert True
    assert "text"


def test_expects_an_error_only():
    with pytest.raises(ValueError, match="invalid"):
        int("a")


@pytest.fixture
def asserting():
    assert 1 + 1 == 2


def test_its_fixture_asserts(asserting):
    pass


def test_fails():
    assert 1 + 1 == 2
    assert 1 + 1 == 3, "sums are off"


@pytest.fixture
def broken():
    raise RuntimeError("no engine")


def test_errors_in_setup(broken):
    assert 1 + 1 == 2


@pytest.fixture
def breaks_afterwards():
    yield
    raise RuntimeError("left a mess")


def test_errors_in_teardown(breaks_afterwards):
    assert 1 + 1 == 2


@pytest.mark.skip(reason="no container engine here")
def test_skipped():
    assert 1 + 1 == 2


def test_skips_on_the_way():
    assert 1 + 1 == 2
    pytest.skip("no network here")


@pytest.mark.xfail(reason="not built yet")
def test_expected_to_fail():
    assert 1 + 1 == 3


@pytest.mark.xfail(reason="not built yet")
def test_passes_by_surprise():
    assert 1 + 1 == 2
"""

UNMARKED = """
def test_without_a_mark():
    assert 1 + 1 == 2


def test_fails_without_a_mark():
    assert 1 + 1 == 3
"""

Find = Callable[[str], Evidence]


@pytest.fixture(scope="module", params=[(), ("-p", "xdist", "-n", "2")], ids=["alone", "workers"])
def run(request: Any, run_pytest: Any, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The evidence of the suites above, from one process and from two workers."""
    folder = tmp_path_factory.mktemp("suite")
    (folder / "test_suite.py").write_text(SUITE, encoding="utf-8")
    (folder / "test_unmarked.py").write_text(UNMARKED, encoding="utf-8")
    done = run_pytest(folder, "--readiness-evidence=evidence.json", *request.param)
    assert done.returncode == 1, done.stdout + done.stderr
    return Run.model_validate_json((folder / "evidence.json").read_bytes())


@pytest.fixture
def find(run: Run) -> Find:
    """The evidence of one test of the suite."""
    by_name = {it.name.rpartition("::")[2]: it for it in run.evidence}
    return by_name.__getitem__


def test_a_test_proves_the_boxes_of_its_function_and_of_its_module(find: Find) -> None:
    found = find("test_asserts")
    assert found.proves
    assert set(found.boxes) == {"OBS-5", "OBS-1", "ARC-3"}


def test_a_method_proves_the_boxes_of_its_class(find: Find) -> None:
    assert find("test_method").proves
    assert "OBS-2" in find("test_method").boxes


def test_every_case_of_a_parametrised_test_counts_for_itself(find: Find) -> None:
    assert (find("test_cases[1]").assertions, find("test_cases[2]").assertions) == (2, 2)


@pytest.mark.parametrize(
    "name",
    [
        "test_asserts_nothing",
        "test_asserts_a_constant",
        "test_expects_an_error_only",
        "test_its_fixture_asserts",
    ],
)
def test_a_test_that_asserts_nothing_itself_proves_nothing(find: Find, name: str) -> None:
    assert find(name).outcome == "passed"
    assert not find(name).proves
    assert find(name).reason == "It passed without asserting anything."


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("test_fails", "sums are off"),
        ("test_errors_in_setup", "In setup: RuntimeError: no engine"),
        ("test_errors_in_teardown", "In teardown: RuntimeError: left a mess"),
    ],
)
def test_a_failure_in_any_phase_fails_the_box(find: Find, name: str, reason: str) -> None:
    assert find(name).outcome == "failed"
    assert find(name).reason == reason


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("test_skipped", "no container engine here"),
        ("test_skips_on_the_way", "no network here"),
        ("test_expected_to_fail", "Expected to fail: not built yet"),
        ("test_passes_by_surprise", "Passed, though expected to fail: not built yet"),
    ],
)
def test_what_did_not_run_to_its_end_is_skipped_with_its_reason(
    find: Find, name: str, reason: str
) -> None:
    assert (find(name).outcome, find(name).reason) == ("skipped", reason)


def test_tests_without_a_mark_show_only_when_they_fail(run: Run) -> None:
    assert run.other_failures == ("test_unmarked.py::test_fails_without_a_mark",)
    assert not any("test_without_a_mark" in it.name for it in run.evidence)


def test_a_run_over_everything_is_whole_and_sorted(run: Run) -> None:
    assert run.is_whole
    names = [it.name for it in run.evidence]
    assert names == sorted(names)


@pytest.mark.parametrize("workers", [(), ("-p", "xdist", "-n", "1")], ids=["alone", "worker"])
def test_what_a_selection_leaves_out_is_told(
    run_pytest: Any, tmp_path: Path, workers: tuple[str, ...]
) -> None:
    (tmp_path / "test_suite.py").write_text(SUITE, encoding="utf-8")
    done = run_pytest(tmp_path, "--readiness-evidence=run.json", "-k", "test_asserts", *workers)
    run = Run.model_validate_json((tmp_path / "run.json").read_bytes())
    assert done.returncode == 0
    assert not run.is_whole
    left_out = {it.name: it for it in run.evidence}["test_suite.py::TestClass::test_method"]
    assert (left_out.outcome, left_out.reason) == ("skipped", "This run left it out.")


def test_a_run_without_what_is_exhaustive_is_whole(run_pytest: Any, tmp_path: Path) -> None:
    suite = """
    import pytest

    @pytest.mark.exhaustive
    def test_all():
        assert 1 + 1 == 2
    """
    (tmp_path / "test_suite.py").write_text(dedent(suite), encoding="utf-8")
    run_pytest(tmp_path, "--readiness-evidence=run.json", "-m", "not exhaustive")
    assert Run.model_validate_json((tmp_path / "run.json").read_bytes()).is_whole


def test_a_run_of_one_file_is_not_whole(run_pytest: Any, tmp_path: Path) -> None:
    (tmp_path / "test_suite.py").write_text("def test_one():\n    assert 1 + 1 == 2\n")
    run_pytest(tmp_path, "--readiness-evidence=run.json", "test_suite.py")
    assert not Run.model_validate_json((tmp_path / "run.json").read_bytes()).is_whole


@pytest.mark.parametrize(
    ("expression", "constant"),
    [("True", True), (' "text" ', True), ("1", True), ("x", False), ("x ==", False)],
)
def test_an_assertion_that_could_not_fail_is_told_from_one_that_could(
    expression: str, constant: bool
) -> None:
    assert is_constant(expression) is constant
