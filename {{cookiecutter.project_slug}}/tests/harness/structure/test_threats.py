"""The table of threats is true: every known threat has its row, every row its tests, every test exists."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[3]
PAGE = PROJECT / "docs" / "prove.md"
KNOWN = [*(f"LLM{n:02}" for n in range(1, 11)), *(f"ASI{n:02}" for n in range(1, 11))]
"""OWASP's two lists."""


class Threats:
    """The rows of the table."""

    ROW = re.compile(r"^\| (?P<id>[A-Z]{3}\d\d) .*\| (?P<tests>[^|]*) \|$", re.MULTILINE)
    TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")

    def __init__(self, text: str) -> None:
        self._text = text

    def ids(self) -> list[str]:
        return [row["id"] for row in self.ROW.finditer(self._text)]

    def faults(self) -> Iterator[str]:
        """Each row without a test, and each test that there is not."""
        for row in self.ROW.finditer(self._text):
            tests = self.TEST.findall(row["tests"])
            if not tests:
                yield f"{row['id']}: no test is named"
            for file, name in tests:
                path = PROJECT / file
                source = path.read_text(encoding="utf-8") if path.is_file() else ""
                if not source or (name and f"def {name}(" not in source):
                    yield f"{row['id']}: there is no {file}::{name}"


@pytest.mark.checklist("ABU-1")
def test_every_known_threat_has_its_row_and_every_row_its_tests() -> None:
    threats = Threats(PAGE.read_text(encoding="utf-8"))
    assert threats.ids() == KNOWN
    assert list(threats.faults()) == []


@pytest.mark.parametrize(
    ("tests", "fault"),
    [
        ("", "LLM01: no test is named"),
        ("`tests/none.py::test_a`", "LLM01: there is no tests/none.py::test_a"),
        (
            "`tests/harness/structure/test_threats.py::test_gone`",
            "LLM01: there is no tests/harness/structure/test_threats.py::test_gone",
        ),
    ],
)
def test_a_row_that_promises_too_much_is_named(tests: str, fault: str) -> None:
    assert list(Threats(f"| LLM01 Injection | it | that | {tests} |").faults()) == [fault]
