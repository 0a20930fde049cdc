import json
from collections.abc import Mapping

import pytest

from tools.readiness.checklist import Checklist
from tools.readiness.evidence import Evidence, Run
from tools.readiness.origin import Origin
from tools.readiness.report import BoxReport, Report, State

PROJECT = Origin(title="Desk", description="Answers.", version="0.1.0", commit="1a2b3c4")


def evidence(outcome: str, box: str = "OBS-5", **facts: object) -> Evidence:
    return Evidence.model_validate(
        {"boxes": (box,), "name": f"tests/test_a.py::test_{outcome}", "outcome": outcome, **facts}
    )


def report(
    *found: Evidence,
    is_whole: bool = True,
    others: tuple[str, ...] = (),
    answers: Mapping[str, object] | None = None,
) -> Report:
    run = Run(evidence=found, is_whole=is_whole, other_failures=others)
    return Report.of(Checklist.load(), run, answers or {}, PROJECT)


def box(of: Report, name: str = "OBS-5") -> BoxReport:
    return next(it for it in of.boxes if it.id == name)


PASSED = evidence("passed", assertions=2)
SKIPPED = evidence("skipped", reason="no engine")
FAILED = evidence("failed", reason="it broke")
HOLLOW = evidence("passed", reason="It passed without asserting anything.")


@pytest.mark.parametrize(
    ("found", "state", "reason"),
    [
        ([], State.MISSING, "No test carries its id."),
        ([PASSED], State.PROVEN, ""),
        ([PASSED, SKIPPED], State.PROVEN, ""),
        ([PASSED, FAILED], State.FAILED, "it broke"),
        ([SKIPPED, FAILED], State.FAILED, "it broke"),
        ([SKIPPED], State.UNPROVEN, "no engine"),
        ([HOLLOW], State.UNPROVEN, "It passed without asserting anything."),
        ([HOLLOW, SKIPPED], State.UNPROVEN, "It passed without asserting anything. (and 1 more)"),
    ],
)
def test_a_box_is_what_its_tests_showed(found: list[Evidence], state: State, reason: str) -> None:
    judged = box(report(*found))
    assert (judged.state, judged.reason) == (state, reason)


@pytest.mark.parametrize(
    ("measured", "state", "reason"),
    [
        ("passed", State.PROVEN, ""),
        ("failed", State.FAILED, "94.9 %"),
        ("skipped", State.UNPROVEN, "94.9 %"),
        (None, State.UNPROVEN, "Not measured in this run."),
    ],
)
def test_a_measured_box_needs_its_figure_beside_its_test(
    measured: str | None, state: State, reason: str
) -> None:
    found = [evidence("passed", "TEST-2", assertions=1)]
    if measured:
        found.append(evidence(measured, "TEST-2", kind="measurement", reason="94.9 %"))
    judged = box(report(*found), "TEST-2")
    assert (judged.state, judged.reason) == (state, reason)


def test_a_figure_alone_proves_nothing() -> None:
    figure = evidence("passed", "TEST-2", kind="measurement", reason="97.0 %", assertions=1)
    assert box(report(figure), "TEST-2").state is State.MISSING


def test_a_box_of_a_feature_left_out_is_not_counted() -> None:
    without = report(answers={"example_agents": False})
    assert box(without, "ETH-2").state is State.NOT_CHOSEN
    assert box(without, "ETH-2").reason == "Left out at generation: example_agents is false."
    assert (without.chosen, report().chosen) == (62, 64)


def test_a_box_of_a_feature_left_out_that_a_test_carries_is_judged_by_it() -> None:
    proven = report(evidence("passed", "ETH-2", assertions=1), answers={"example_agents": False})
    assert box(proven, "ETH-2").state is State.PROVEN


def test_the_summary_counts_every_box_once() -> None:
    counted = report(PASSED, evidence("failed", "OBS-1"), evidence("skipped", "OBS-2"))
    assert counted.summary == "1 proven, 1 failed, 1 unproven, 61 missing, 0 not chosen of 64"


def test_a_partial_run_does_not_claim_that_a_test_is_missing_altogether() -> None:
    assert box(report(is_whole=False)).reason == "No test of this partial run carries its id."


@pytest.mark.parametrize(
    ("failing", "has_failed"),
    [(report(SKIPPED), False), (report(FAILED), True), (report(others=("tests/test_b.py",)), True)],
    ids=["unproven", "a box", "something without a box"],
)
def test_only_a_failure_fails_the_report(failing: Report, has_failed: bool) -> None:
    assert failing.has_failed is has_failed


def test_the_json_names_every_field_that_its_schema_demands() -> None:
    written = json.loads(report(PASSED).model_dump_json())
    schema = Report.model_json_schema(mode="serialization")
    assert set(schema["required"]) <= set(written)
    assert written["counts"]["proven"] == 1
    shown = written["groups"][6]["boxes"][4]
    assert (shown["id"], shown["state"]) == ("OBS-5", "proven")
    assert shown["evidence"][0]["name"] == "tests/test_a.py::test_passed"
