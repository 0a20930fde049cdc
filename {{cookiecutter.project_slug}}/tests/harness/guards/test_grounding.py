"""Tests of `grounding`, `columns`, `figures`, `units`, `clock`, `number_words`, `currencies`, `evidence`, `arithmetic`, `reading`, `names` and `claims`.

Which figures, currencies, names and claims count as found in the facts.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from harness.guards.evidence import Evidence
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
        "4,013 pesos",
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
        ("4,014 pesos", ["4,014"]),
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
    [("86 euros", "euros"), ("86 €", "€"), ("EUR 86", "EUR"), ("in yen", "yen"), ("86 francos suizos", "francos")],
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


# A figure counts with its unit, its sign, its row and its side; a date is one thing.

WEATHER = {"city": "Lima", "min_celsius": -5, "max_celsius": 24, "rain_percent": 20, "wind_kmh": 36, "price": 62}
ROWS = [{"name": "Helmet", "price_eur": 45.0, "stock": 12}, {"name": "Gloves", "price_eur": 19.5, "stock": 3}]
DAY = {"date": "2026-11-27", "opens": "9:00", "closes": "18:30", "minutes": 95}
RATE = "The bank cut its rate from 5.25 % to 5 %. Dogs are not allowed in the galleries. The shop is open on Monday."


TRIP = {"fuel_eur": 46.3, "toll_eur": 17.2, "stops": 3, "distance_km": 412}


@pytest.mark.parametrize(
    ("facts", "right", "wrong"),
    [
        (WEATHER, "The chance of rain is 20 %.", "The chance of rain is 24 %."),
        (WEATHER, "The chance of rain is 20 %.", "The chance of rain is 62 %."),
        (WEATHER, "It is -5 °C, five degrees below zero.", "It is 5 °C."),
        (WEATHER, "a high of 24 °C", "a high of -24 °C"),
        (WEATHER, "The high is 24 °C, the low -5 °C.", "The low is 24 °C."),
        (WEATHER, "La máxima es de 24 grados.", "La mínima es de 24 grados."),
        (WEATHER, "75 °F at most", "80 °F at most"),
        (WEATHER, "wind of 10 m/s", "wind of 36 m/s"),
        (ROWS, "The helmet is 45 euros.", "The gloves are 45 euros."),
        (ROWS, "Helmet: 45 €, gloves: 19.50 €", "Helmet: 19.50 €, gloves: 45 €"),
        (ROWS, "45 € for the helmet and 19.50 € for the gloves", "19.50 € for the helmet and 45 € for the gloves"),
        (ROWS, "Twelve helmets are left.", "The helmet costs 12 euros."),
        (DAY, "on 2026-11-27, 27/11/2026", "on 2026-12-27"),
        (DAY, "on 27 November 2026", "on 27 November 2025"),
        (DAY, "on Friday, 27 November", "on Thursday, 27 November"),
        (DAY, "from 9 am to 6:30 pm", "from 9 am to 9:30 pm"),
        (DAY, "abre a las nueve y cierra a las seis y media de la tarde", "cierra a las nueve"),
        (DAY, "one hour and 35 minutes", "two hours"),
        (DAY, "It is open for nine and a half hours.", "It is open for eight hours."),
        (RATE, "The rate fell from 5.25 % to 5 %.", "The rate rose from 5.25 % to 5 %."),
        (RATE, "cut by 0.25 points", "cut by 0.5 points"),
        ({"change": -3.6}, "It is down 3.6 %.", "It rose 3.6 %."),
        ({"change": -3.6}, "Ha bajado un 3,6 %.", "Ha subido un 3,6 %."),
        ({"share": 0.25}, "25 %", "35 %"),
        ("within thirty days", "30 days", "thirty-one days"),
        ("30 días", "treinta días", "treinta y un días"),
        ({"amount": 401250.5}, "about 401,000", "about 405,000"),
        ({"amount": 401250.5}, "more than 400,000", "less than 400,000"),
        ({"people": 1234567}, "1 234 567 or 1'234'567 people, some 1.2 million", "1 243 567 people"),
        ({"items": [1, 4, 9]}, "3 items", "5 items"),
        ([{"d": "2026-11-27"}], "**1.** first\n**2.** second", "27 of them"),
        ("call +34 900 123 456", "900 123 456", "900 123 465"),
        (TRIP, "Fuel costs 46.30 €, the toll is 17.20 €.", "Fuel costs 17.20 €."),
        (TRIP, "There are 3 stops on 412 km.", "There are 412 stops."),
        (TRIP, "For the toll and the fuel 46.30 € are not enough, with the toll 63.50 € are.", "The toll is 46.30 €."),
        (TRIP, "Fuel and tolls make 63.50 € in total.", "The toll makes 46.30 €."),
        (TRIP, "Count on 46.30 € for fuel and on 17.20 € for tolls.", "- 46.30 € toll"),
        (TRIP, "| Fuel | 46.30 € |\n| Toll | 17.20 € |", "| Toll | 46.30 € |"),
        ({"nights": 4, "rooms": 2}, "4 nights in 2 rooms", "2 nights"),
        ({"uptime_days": 112}, "nearly four months", "five months"),
        ({"years": 2}, "24 meses, dos años", "18 meses"),
        ({"full_percent": 88}, "88 % full, so 12 % is free", "88 % full, so 22 % is free"),
        ({"articulos": 3, "total": 6}, "Son tres artículos.", "Son 6 artículos."),
        ({"at": "19:05"}, "at five past seven in the evening", "at ten past seven in the evening"),
        ({"at": "19:40"}, "a las ocho menos veinte de la tarde", "a las nueve menos veinte"),
        ({"gbp": 6.0, "closes": "17:30"}, "It closes at half past five.", "It closes at half past six."),
        ({"time": "2:27:44"}, "in 2 h 27 min 44 s, 2h 27m 44s", "in 2 h 27 min 45 s"),
        ({"change": -3.6, "from": 2.7}, "It lost 2.7, or 3.6 %, which it regains.", "It rose 2.7, or 3.6 %."),
        ({"change": -3.6}, "Decrece un 3,6 %.", "Repunta un 3,6 %."),
        ({"area_km2": 8372}, "about 3,200 square miles", "8,372 square miles"),
        ({"people": 596101}, "Ronda los 600.000.", "Ronda los 500.000."),
        ({"code": "RV-210"}, "flight RV-210", "flight RV-211"),
    ],
)
def test_a_figure_counts_with_what_it_belongs_to(facts: Any, right: str, wrong: str) -> None:
    assert Grounding([facts]).unsupported(right) == []
    assert Grounding([facts]).unsupported(wrong) != []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("45.00 + 19.50 = 64.50 euros", "45.00 + 19.50 = 66.50 euros"),
        ("64,50 € en total", "64,50 €"),
        ("The gloves are 25.50 euros cheaper.", "The gloves are 26.50 euros cheaper."),
        ("Two helmets cost 90 euros.", "Two helmets cost 95 euros."),
        ("The helmet is 2.3 times the price.", "The helmet is 3.2 times the price."),
        ("The helmet is 131 % dearer.", "The helmet is 150 % dearer."),
        ("The average price is 32.25 euros.", "The average price is 35 euros."),
        ("Supera en 25,50 € los 19,50 €.", "Supera en 27 € los 19,50 €."),
    ],
)
def test_what_a_person_would_work_out_passes_where_the_sentence_says_so(right: str, wrong: str) -> None:
    assert Grounding([ROWS]).unsupported(right) == []
    assert Grounding([ROWS]).unsupported(wrong) != []


@pytest.mark.parametrize("base", ["1 USD =", "One US dollar is worth", "Un dólar vale"])
def test_a_rate_is_for_one_unit_of_its_currency(base: str) -> None:
    facts = [{"base": "USD", "rates": {"EUR": 0.8621}}]
    assert Grounding(facts).unsupported(f"{base} 0.8621 EUR.") == []
    assert Grounding(facts).unsupported(f"{base} 0.9621 EUR.") == ["0.9621"]
    assert Grounding(facts).unsupported("Changing it costs 1 USD.") == ["1"]


@pytest.mark.parametrize(
    ("answer", "is_contrary"),
    [
        ("Dogs are allowed in the galleries.", True),
        ("No, dogs are not allowed in the galleries.", False),
        ("Dogs are forbidden in the galleries.", False),
        ("Dogs are allowed in the garden of the galleries only.", False),
        ("Are dogs allowed in the galleries?", False),
        ("The shop is closed on Monday.", True),
    ],
)
def test_a_sentence_turned_round_is_found_where_it_is_nearly_the_same(answer: str, is_contrary: bool) -> None:
    assert Grounding([RATE]).contradicted(answer) == ([answer.rstrip(".")] if is_contrary else [])


def test_what_facts_say_by_true_and_false_is_not_denied() -> None:
    grounding = Grounding([{"remote_work": False, "vegana": True}])
    assert grounding.contradicted("Remote work is possible.") == ["Remote work is possible"]
    assert grounding.contradicted("La sopa no es vegana.") == ["La sopa no es vegana"]
    assert grounding.contradicted("Remote work is not possible; la sopa es vegana.") == []
    assert Grounding([[{"hot": True}, {"hot": False}]]).contradicted("It is not hot.") == []
    assert Grounding([{"found": True}]).contradicted("I found no headlines about the harbour.") == []


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        ("Madrid will be dry.", ["Madrid"]),
        ("It rains in MOSCOW.", ["MOSCOW"]),
        ("Kowalski won the race.", ["Kowalski"]),
        ("Rain is likely. Police said so. BBC. Umbrellas help. LONDON.", []),
    ],
)
def test_a_name_that_is_sure_to_be_one_is_named_wherever_it_stands(answer: str, named: list[str]) -> None:
    assert Grounding(EVIDENCE).unsupported_names(answer) == named


def test_a_number_in_words_is_one_of_the_language_of_its_text() -> None:
    grounding = Grounding([{"days": 90}])
    assert grounding.unsupported("Once it is over there are ninety days.", language="en") == []
    assert grounding.unsupported("Ten en cuenta que son noventa días.", language="es") == []
    assert grounding.unsupported("Son once días.", language="es") == grounding.unsupported("Son once días.") == ["once"]


def test_of_a_long_text_the_digits_count_wherever_they_stand() -> None:
    grounding = Grounding(["1 € " * Evidence.MOST_CHARS + "1.250,75 and 18:40", {"change": -5}])
    assert grounding.unsupported("1.250,75 at 18:40, down 5") == []
    assert grounding.unsupported("1.250,76 at 18:41, 5 of them") == ["1.250,76", "18:41", "5"]


def test_in_a_language_without_data_only_digits_and_signs_count() -> None:
    grounding = Grounding([{"kg": 1234567, "on": "2026-03-22", "min": 2, "max": 5}])
    assert grounding.unsupported("1 234 567 kg seit dem 22. März 2026, zwischen zwei und drei", is_known=False) == []
    assert grounding.unsupported("1 234 568 kg, 23.3.", is_known=False) == ["1 234 568", "23.3"]
