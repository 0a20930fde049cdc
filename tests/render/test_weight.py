"""What a project weighs stays bounded: what its owner gets to own, and the whole."""

import pytest

from tools.weight import DEFAULT, MINIMAL, Weight

MOST = {  # of tests: each protocol beside /v1 has its conformance to show
    "default": {
        "the owner's files": 60,
        "lines of src/app": 2_500,
        "lines of tests outside tests/harness": 13_400,
    },
    "minimal": {
        "the owner's files": 35,
        "lines of src/app": 400,
        "lines of tests outside tests/harness": 10_600,
    },
}
ANSWERS = {"default": DEFAULT, "minimal": MINIMAL}


@pytest.mark.parametrize("project", ANSWERS)
def test_a_project_weighs_no_more_than_was_agreed(project: str) -> None:
    figures = Weight(ANSWERS[project]).figures()
    print(f"{project}: " + ", ".join(f"{name} {count:,}" for name, count in figures.items()))
    over = {name: figures[name] for name, most in MOST[project].items() if figures[name] > most}
    assert over == {}


def test_what_a_project_leaves_out_weighs_nothing() -> None:
    names = Weight(MINIMAL).names
    assert [name for name in names if "weather" in name or "knowledge" in name or name.startswith("monitoring/")] == []
    assert "src/app/agents/about.py" in names
