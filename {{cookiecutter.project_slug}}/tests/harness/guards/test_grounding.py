"""Which figures, currencies and names count as found in the facts."""

from collections.abc import Iterator

import pytest

from harness.guards.grounding import Grounding

FACTS = [{"city": "Bogotá", "max": 18.4, "rain": 65}, ["2026-11-22", {"rate": "4,012.50", "code": "COP"}]]


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


@pytest.mark.parametrize(
    ("evidence", "answer"),
    [
        ("250 USD", "250 dollars, $250 or US$250"),
        ("2.500 pesos mexicanos", "2.500 MXN, or $"),
        ("price_eur 45", "45 euros, 45 €, EUR 45"),
        ("£3", "3 pounds, tres libras"),
        ("", "The pounds he lost; a crown of thorns; try the all-new ones"),
    ],
)
def test_a_currency_that_the_facts_name_passes_in_any_form(evidence: str, answer: str) -> None:
    assert Grounding([evidence, "3 45 86 250 2.500"]).unsupported(answer) == []


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        ("86 euros", "euros"),
        ("86 €", "€"),
        ("EUR 86", "EUR"),
        ("un millón de libras", "libras"),
        ("in yen", "yen"),
        ("86 francos suizos", "francos"),
    ],
)
def test_another_currency_is_named(answer: str, named: str) -> None:
    assert Grounding(["100 USD, 86"]).unsupported(answer) == [named]


EVIDENCE = ["Londres, Reino Unido", "the Central Bank of Norway", "Bogotá", "Tokio"]


@pytest.mark.parametrize(
    "answer",
    [
        "It rains in London, United Kingdom.",
        "Rain. Tomorrow: Sun. - Snow\n* Wind (“Storm”)",
        "The Norwegian bank? No. Norway's bank.",
        "In Bogota and in Tokyo, on Monday in March, I'm OK.",
        "The ECB and the BBC say so.",
        "see https://Example.example/Path and #Tag",
    ],
)
def test_a_known_name_and_what_is_no_name_pass(answer: str) -> None:
    assert Grounding(EVIDENCE).unsupported_names(answer) == []


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        ("It rains in Vladivostok.", ["Vladivostok"]),
        ("So says Reuters, and Hannah Fischer too.", ["Reuters", "Hannah", "Fischer"]),
        ("Lo dijo Kowalski.", ["Kowalski"]),
    ],
)
def test_an_invented_name_is_named(answer: str, named: list[str]) -> None:
    assert Grounding(EVIDENCE).unsupported_names(answer) == named


def test_the_evidence_is_not_read_for_a_text_without_names() -> None:
    read: list[str] = []

    def evidence() -> Iterator[str]:
        read.append("read")
        yield "x"

    grounding = Grounding(evidence())
    assert grounding.unsupported_names("It is fine. Really.") == []
    assert read == []
    assert grounding.unsupported_names("It is Xyz.") == ["Xyz"]
