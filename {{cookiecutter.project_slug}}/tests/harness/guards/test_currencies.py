"""Which currencies the facts name, by code, sign, name or key."""

import pytest

from harness.guards.currencies import Currencies


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
    assert Currencies(evidence).unsupported(answer) == []


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
    assert Currencies("100 USD").unsupported(answer) == [named]


def test_a_text_without_one_is_told_soon() -> None:
    assert not Currencies.may_be_in("It is 18", frozenset({"It", "is"}))
    assert Currencies.may_be_in("18 €", frozenset())
    assert Currencies.may_be_in("Euros", frozenset({"Euros"}))
