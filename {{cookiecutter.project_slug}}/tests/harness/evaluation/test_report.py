"""Tests of `report` and `estimate`: what a person and a machine get to read."""

import re
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import orjson
import pytest
from rich.console import Console

from harness.evaluation.disparity import Disparity
from harness.evaluation.estimate import Estimate
from harness.evaluation.report import Report, Table
from harness.evaluation.rows import Row
from harness.evaluation.runner import Asking

from .conftest import Runs as RunOf
from .conftest import case

ROWS = [
    Row("own/a", 0, "functionality", "passed"),
    Row("own/<b>", 0, "functionality", "failed", "2 is not in 'x | y'"),
    Row("own/c", 0, "language", "not measured", "model_unavailable"),
]
UNEQUAL = Disparity("country", "served", {"Spain": 1.0, "Japan": 0.5}, {"Spain": 4, "Japan": 4}, 0.5, 0.5, (0.1, 0.9))
UNKNOWN = Disparity("age", "all", {}, {}, 0, 0, None, "no answer")


@pytest.fixture
def report() -> Report:
    return Report("embedded", ROWS, 1, [UNEQUAL, UNKNOWN], ["own/<b> failed"], ["a note"], "3 questions.")


def rows_of(table: Table) -> dict[str, Sequence[str]]:
    return {row[0]: row[1:] for row in table.rows}


def test_the_table_has_n_passed_not_measured_and_the_interval(report: Report) -> None:
    kinds, groups, wrong = report.tables()
    assert rows_of(kinds) == {
        "functionality": ("2", "1", "0", "0.50", "0.09 to 0.91"),
        "language": ("0", "0", "1", "-", "0.00 to 1.00"),
        "all": ("2", "1", "1", "0.50", "0.09 to 0.91"),
    }
    assert groups.rows[0] == (
        "country",
        "served",
        "Japan 0.50 (n 4)",
        "Spain 1.00 (n 4)",
        "0.50",
        "0.10 to 0.90",
        "0.500",
    )
    assert groups.rows[1][:2] == ("age", "not measured: no answer")
    assert [it[0] for it in wrong.rows] == ["own/<b>", "own/c"]
    assert report.headline == "failed: 1 of 2 right, 1 not measured"


def test_several_tries_agree_with_what_is_computed_by_hand() -> None:
    """Two cases, five samples each: four right and five right."""
    rows = [
        Row(name, n, "language", "failed" if (name, n) == ("a", 0) else "passed") for name in "ab" for n in range(5)
    ]
    table = rows_of([*Report("m", rows, 5).tables()][1])
    assert table["1"] == ("0.900", "0.900", "0.28 to 1.00")
    assert table["3"] == ("1.000", "0.700", "")
    assert table["5"] == ("1.000", "0.500", "")


def test_every_form_says_the_same(report: Report, tmp_path: Path) -> None:
    report.write(tmp_path)
    made = {file.suffix: file.read_text(encoding="utf-8") for file in tmp_path.iterdir()}
    for text in made.values():
        assert "model_unavailable" in text
        assert "a note" in text
    whole = orjson.loads(made[".json"])
    assert (whole["passed"], whole["figures"]["functionality"]["passed"], len(whole["rows"])) == (False, 1, 3)
    assert "| own/<b> | 1 | failed | 2 is not in 'x / y' |" in made[".md"]


def test_the_page_is_well_formed_and_asks_for_nothing_from_elsewhere(report: Report) -> None:
    class Tags(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.open: list[str] = []

        def handle_starttag(self, tag: str, attrs: object) -> None:
            if tag != "meta":
                self.open.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert self.open.pop() == tag

    parser = Tags()
    parser.feed(report.html)
    assert parser.open == []
    assert not re.search(r"(?:src|href)=|url\(|@import|<script", report.html)
    assert "own/&lt;b&gt;" in report.html
    assert "prefers-color-scheme: dark" in report.html


def test_a_narrow_terminal_shows_whole_ids(report: Report, capsys: pytest.CaptureFixture[str]) -> None:
    report.print(Console(width=40, soft_wrap=True))
    assert "own/c (not measured): model_unavailable" in capsys.readouterr().out


def test_an_evaluation_without_a_fault_says_that_it_passed() -> None:
    report = Report("embedded", ROWS[:1], 1)
    assert report.headline == "passed: 1 of 1 right"
    assert [table.title for table in report.tables()] == ["Right answers"]


def test_an_estimate_is_by_the_last_runs_of_this_model(run_of: RunOf) -> None:
    asked = case(ask="Moons?", agents=["moons"])
    asking = Asking(asked, 0, 0, asked.questions[0])
    new = Estimate.of([asking] * 10, [], "openai:x", 2)
    assert (new.questions, new.calls, new.seconds, new.usd) == (10, 30, None, None)
    assert "cost unknown (no price in LLM_PRICES)" in str(new)
    known = run_of(asked, model="openai:x", model_calls=5, seconds=2.0, cost_usd=0.01)
    after = Estimate.of([asking] * 10, [known], "openai:x", 2)
    assert (after.calls, after.seconds) == (50, 10.0)
    assert after.usd == pytest.approx(0.1)
    assert str(after) == "10 questions, about 50 calls of models, time about 10 s, cost 0.10 USD"
    other = Estimate.of([asking], [known], "openai:y", 2)
    assert (other.seconds, other.usd) == (None, None)
    assert Estimate.of([asking], [], "embedded", 1).usd == 0.0
    prices = {"a:x": (1.0, 10.0), "a:y": (2.0, 20.0)}
    dear = Estimate.of([asking] * 100, [], "a:x, a:y", 1, prices)
    assert dear.usd == pytest.approx(dear.calls * (1500 * 2 + 300 * 20) / 1_000_000)
    assert Estimate.of([asking], [], "a:x, a:z", 1, prices).usd is None


@pytest.mark.parametrize(
    ("given", "calls"), [({"verdict": "decline"}, 1), ({"agents": ["a", "b"]}, 6), ({"agents": []}, 1), ({}, 3)]
)
def test_what_is_not_known_is_guessed_by_what_the_case_expects(given: dict[str, Any], calls: int) -> None:
    asked = case(ask="x", **given)
    assert Estimate.of([Asking(asked, 0, 0, asked.questions[0])], [], "m", 1).calls == calls
