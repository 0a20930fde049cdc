"""A whole run measures both packages, and a box whose tests are gone fails it."""

from pathlib import Path

import pytest

from tools.readiness.plugin import Box

from .conftest import SETTINGS, Readiness

MODULE = """
def answer(number: int) -> str:
    if number > 1:
        return "many"
    return "one"
"""
HALF = 'def test_{0}():\n    from {0}.answer import answer\n    assert answer(1) == "one"\n'
WHOLE = HALF + '    assert answer(2) == "many"\n'
PACKAGES = {
    f"src/{package}/{name}": text
    for package in ("app", "harness")
    for name, text in (("__init__.py", ""), ("answer.py", MODULE))
}


PLANNED = [box.id for box in Box.load_all().values() if box.planned]


def suite(app: str, harness: str, without: str = "") -> dict[str, str]:
    """A project whose tests prove every box but those that are planned, and `without`."""
    boxes = [box.id for box in Box.load_all().values() if not box.planned and box.id != without]
    proof = f"import pytest\n\n@pytest.mark.checklist(*{boxes})\ndef test_proves():\n    assert 1 + 1 == 2\n"
    more = "\n@pytest.mark.exhaustive\ndef test_all():\n    assert 1 + 1 == 3\n"
    return PACKAGES | {
        "tests/test_boxes.py": proof + more,
        "tests/test_app.py": app.format("app"),
        "tests/test_harness.py": harness.format("harness"),
    }


def test_a_whole_run_with_every_box_passes_and_prints_both_figures(readiness: Readiness, tmp_path: Path) -> None:
    told = readiness(tmp_path, suite(WHOLE, WHOLE))
    for package in ("app", "harness"):
        figure = "100.0 % of statements and branches, the gate is 95 %."
        assert f"coverage of src/{package}: {figure}" in told.out
    assert told.code == 0, told.out
    assert told.report
    assert told.report["is_whole"]
    assert told.states("TEST-2", *PLANNED) == ["proven", *("missing" for _ in PLANNED)]
    assert " 0 lost, 0 not run, 0 not chosen of 64" in told.out.splitlines()[-1]


@pytest.mark.parametrize(("app", "harness"), [(HALF, WHOLE), (WHOLE, HALF)])
def test_either_package_below_the_gate_fails_with_its_figure(
    readiness: Readiness, tmp_path: Path, app: str, harness: str
) -> None:
    told = readiness(tmp_path, suite(app, harness))
    assert told.states("TEST-2", "OBS-5") == ["failed", "proven"]
    assert told.box("TEST-2")["reason"].startswith("66.6 % of statements and branches")
    assert told.code == 1


def test_lines_without_branches_fail(readiness: Readiness, tmp_path: Path) -> None:
    settings = SETTINGS.replace("branch = true", "branch = false")
    told = readiness(tmp_path, suite(WHOLE, WHOLE) | {"pyproject.toml": settings})
    assert told.box("TEST-2")["reason"] == "Branches were not counted: set branch = true."
    assert told.code == 1


def test_a_box_whose_tests_are_gone_is_lost_and_fails_the_run(readiness: Readiness, tmp_path: Path) -> None:
    told = readiness(tmp_path, suite(WHOLE, WHOLE, without="OBS-5"))
    assert told.states("OBS-5", *PLANNED) == ["lost", *("missing" for _ in PLANNED)]
    assert told.code == 1


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ("example_agents: false\n", "Left out at generation: example_agents is false."),
        ("example_agents: true\n", "Its tests were deleted with its feature."),
    ],
)
def test_a_box_of_a_feature_that_is_not_there_is_not_counted(
    readiness: Readiness, tmp_path: Path, answers: str, reason: str
) -> None:
    files = suite(WHOLE, WHOLE, without="ETH-2") | {".copier-answers.yml": answers}
    told = readiness(tmp_path, files)
    assert told.states("ETH-2") == ["not chosen"]
    assert told.box("ETH-2")["reason"] == reason
    assert told.code == 0, told.out


def test_a_run_that_settings_cut_fails_for_what_it_left_out(readiness: Readiness, tmp_path: Path) -> None:
    settings = SETTINGS.replace('"no:cacheprovider"', '"no:cacheprovider", "-k", "app"')
    told = readiness(tmp_path, suite(WHOLE, WHOLE) | {"pyproject.toml": settings})
    assert told.states("OBS-5", "ABU-1") == ["lost", "lost"]
    assert told.code == 1
