"""Which figures count as found in the facts."""

import pytest

from harness.guards.grounding import Grounding

FACTS = [
    {"city": "Bogotá", "max": 18.4, "rain": 65},
    ["2026-11-22", {"rate": "4,012.50", "code": "COP"}],
]


@pytest.mark.parametrize(
    "answer",
    [
        "18.4 degrees",
        "18,4 grados",
        "about 18 degrees",
        "rain 65 %",
        "4012.50 pesos",
        "4.012,50 pesos",
        "on 22 November 2026",
        "no figure at all",
        "1. first\n2. second",
    ],
)
def test_a_figure_that_stands_in_the_facts_passes(answer: str) -> None:
    assert Grounding(FACTS).unsupported(answer) == []


@pytest.mark.parametrize(
    ("answer", "invented"),
    [
        ("19 degrees", ["19"]),
        ("18.5 degrees", ["18.5"]),
        ("between 18.4 and 99", ["99"]),
        ("4,013 pesos", ["4,013"]),
        ("1,2,3", ["1,2,3"]),
    ],
)
def test_an_invented_figure_is_named(answer: str, invented: list[str]) -> None:
    assert Grounding(FACTS).unsupported(answer) == invented


def test_without_evidence_every_figure_is_invented() -> None:
    assert Grounding([]).unsupported("42") == ["42"]


def test_grouped_thousands_are_read_both_ways() -> None:
    assert Grounding(["1234567"]).unsupported("1.234.567") == []
    assert Grounding([1.234]).unsupported("1,234") == []
