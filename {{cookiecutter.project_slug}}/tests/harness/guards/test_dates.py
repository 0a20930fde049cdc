"""Which dates in words stand in the facts."""

import pytest

from harness.guards.dates import Dates

EVIDENCE = "2026-11-22 is today; open Monday to Friday and on 1 December."


@pytest.mark.parametrize(
    "answer",
    [
        "Sunday 22 November",
        "22 de noviembre",
        "November 22nd, 2026",
        "el domingo",
        "on Wednesday",
        "los miércoles",
        "el 1 de diciembre",
        "el uno de diciembre",
        "the first of December",
        "You may be right, march on, 5 may be enough",
        "Santo Domingo",
    ],
)
def test_a_date_that_the_facts_have_passes(answer: str) -> None:
    assert list(Dates(EVIDENCE).unsupported(answer)) == []


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        ("22 March", "22 March"),
        ("3 de noviembre", "3 de noviembre"),
        ("March 7th", "March 7th"),
        ("on the fifth of May", "fifth of May"),
        ("in June", "June"),
        ("desde junio", "junio"),
        ("April 2027", "April"),
        ("on Saturday", "Saturday"),
        ("los sábados", "sábados"),
    ],
)
def test_an_invented_date_is_named(answer: str, named: str) -> None:
    assert list(Dates(EVIDENCE).unsupported(answer)) == [named]


@pytest.mark.parametrize(
    ("evidence", "answer"),
    [
        ("closed at the weekend", "On Saturday and Sunday we are closed."),
        ("en 5 días hábiles", "de lunes a viernes"),
        ("Sat 10:00", "on Saturdays"),
        ("open every day", "Tuesday"),
        ("3/4/2026", "el 3 de abril, or April 3rd; or 4 March"),
        ("2026-05", "in May"),
        ("from 3 to 5 March", "in March, the 3rd and 5 March"),
    ],
)
def test_other_ways_to_say_a_date_count(evidence: str, answer: str) -> None:
    assert list(Dates(evidence).unsupported(answer)) == []
