from typing import Any

import pytest

from app.agents.currency.agent import CurrencyAgent
from app.agents.currency.reading import CurrencyReader
from app.agents.currency.settings import CurrencySettings
from harness.errors import ClarificationNeeded, SourceUnavailable
from harness.prompts.language import Language
from tests.agents.conftest import Built
from tests.support.peers.data_sources import QUOTES, RATES, DataSources, Drip, Json
from tests.support.peers.openai_replies import Body, Hang, Reply


@pytest.mark.parametrize(
    ("question", "language", "codes", "amount"),
    [
        ("convert 250 USD to EUR", "en", ["USD", "EUR"], 250),
        ("100 euros en dólares", "es", ["EUR", "USD"], 100),
        ("how many dollars is 100 euros?", "en", ["EUR", "USD"], 100),
        ("cuántos euros es un dólar", "es", ["USD", "EUR"], 1),
        ("¿A cómo está el dólar?", "es", ["USD"], None),
        ("usd/eur", "en", ["USD", "EUR"], None),
        ("EURUSD", "en", [], None),
        ("$1,000 in yen", "en", ["USD", "JPY"], 1000),
        ("US$ 5k in €", "en", ["USD", "EUR"], 5000),
        ("20€ to usd", "en", ["EUR", "USD"], 20),
        ("2,5 millones de yenes a libras", "es", ["JPY", "GBP"], 2_500_000),
        ("3 mil pesos mexicanos", "es", ["MXN"], 3000),
        ("100 dólares canadienses en dólares australianos", "es", ["CAD", "AUD"], 100),
        ("I try to convert pounds to swiss francs", "en", ["GBP", "CHF"], None),
        ("EUR to TRY", "en", ["EUR", "TRY"], None),
        ("pesos colombianos por dólar", "es", ["COP", "USD"], None),
        ("12 345 euros", "en", ["EUR"], 12345),
        ("$3bn to euros", "en", ["USD", "EUR"], 3e9),
        ("USD100", "en", ["USD"], 100),
        ("1'234 francs", "en", ["CHF"], 1234),
        ("3 mil millones de euros", "es", ["EUR"], 3e9),
        ("100 Nigerian naira in euros", "en", ["NGN", "EUR"], 100),
        ("100 New Zealand dollars to yen", "en", ["NZD", "JPY"], 100),
        ("100 dólares jamaicanos", "es", ["JMD"], 100),
        ("100 pesos argentinos a euros", "es", ["ARS", "EUR"], 100),
        ("Pakistani rupees", "en", ["PKR"], None),
        ("How much was the euro last year? yes", "en", ["EUR"], None),
        ("How much is the current exchange rate of the dollar?", "en", ["USD"], None),
        ("¿Cuánto vale el euro esta mañana?", "es", ["EUR"], None),
        ("How much does a Swiss franc cost?", "en", ["CHF"], 1),
        ("dollars to pesos? the Mexican ones", "en", ["USD", "MXN"], None),
        ("¿A cómo está el peso? el chileno", "es", ["CLP"], None),
        ("USD a EUR", "en", ["USD", "EUR"], None),
        ("How many euros is the yen?", "en", ["JPY", "EUR"], None),
        ("¿A cuántos euros está la libra?", "es", ["GBP", "EUR"], None),
        ("I want to know the dollar rate", "en", ["USD"], None),
    ],
)
def test_currencies_and_amount_are_read_off_the_question(
    question: str, language: Language, codes: list[str], amount: float | None
) -> None:
    mentions = CurrencyReader().mentions(question, language)
    assert [mention.code for mention in mentions] == codes
    assert (mentions[0].amount if mentions else None) == amount


@pytest.mark.parametrize(
    ("text", "language", "value"),
    [
        ("1.234", "es", 1234),
        ("1.234", "en", 1.234),
        ("1,234", "en", 1234),
        ("1,234", "es", 1.234),
        ("1,234.5", "es", 1234.5),
        ("1.234,5", "en", 1234.5),
        ("1.234.567", "en", 1_234_567),
        ("2.5", "es", 2.5),
        ("2,50", "en", 2.5),
        ("7", "en", 7),
    ],
)
def test_a_number_is_read_as_its_language_writes_it(text: str, language: Language, value: float) -> None:
    assert CurrencyReader().mentions(f"{text} EUR", language)[0].amount == value


EN = " (European Central Bank reference rates of 2026-11-20)."
ES = " (tipos de referencia del Banco Central Europeo del 2026-11-20)."
NO_RATE = "The European Central Bank publishes no rate for"
SIN_TIPO = "El Banco Central Europeo no publica tipos para"
THERE = "BRL, EUR, GBP, MXN, USD."


@pytest.mark.parametrize(
    ("question", "language", "answer"),
    [
        ("Convert 1,000 USD to GBP", "en", f"1,000 USD = 700 GBP{EN}"),
        ("¿A cómo está el dólar?", "es", f"1 USD = 0,8000 EUR; 16 MXN; 5 BRL{ES}"),
        (
            "¿Cuánto son 1.500,50 euros en dólares y pesos mexicanos?",
            "es",
            f"1.500,50 EUR = 1.875,62 USD; 30.010 MXN{ES}",
        ),
        ("dollar in colombian pesos", "en", f"{NO_RATE} COP; it has: {THERE}"),
        ("¿100 pesos colombianos en euros?", "es", f"{SIN_TIPO} COP; tiene: {THERE}"),
        ("10 euros in dollars and bitcoin", "en", f"10 EUR = 12.50 USD{EN} {NO_RATE} BTC; it has: {THERE}"),
        ("100 dollars in dollars", "en", f"100 USD = 80 EUR; 70 GBP{EN}"),
    ],
)
async def test_the_real_source_is_asked_and_the_answer_tells_the_rates_date(
    on_sources: Built, sources: DataSources, question: str, language: Language, answer: str
) -> None:
    told, findings = await on_sources(CurrencyAgent).answer_without_model(question, language)
    assert told == answer
    title = "Frankfurter, European Central Bank rates"
    assert findings[0].sources == [{"title": title, "url": "https://frankfurter.dev/"}]
    assert sources.asked(RATES) == [{"base": "EUR"}]


async def test_a_small_result_keeps_four_telling_digits(on_sources: Built, sources: DataSources) -> None:
    sources.answer(RATES, Json({**QUOTES, "rates": {"IDR": 20000}}))
    answer, _ = await on_sources(CurrencyAgent).answer_without_model("1 IDR to EUR", "en")
    assert answer.startswith("1 IDR = 0.00005000 EUR")


@pytest.mark.parametrize(
    ("question", "language", "asked_back"),
    [
        ("What is the exchange rate?", "en", "Which currency"),
        ("¿A cómo está el cambio?", "es", "¿Qué moneda"),
        ("¿A cómo está el peso?", "es", "¿Qué peso"),
        ("dollars to pesos", "en", "Which peso"),
        ("a crown", "en", "Of which country"),
        ("two hundred euros", "en", "Which amount"),
        ("un euro y medio", "es", "¿Qué cantidad"),
        ("-50 euros", "en", "Which amount"),
        ("between 100 and 200 euros", "en", "Which amount"),
        ("1.234.56 euros", "en", "Which amount"),
        ("100 zorkmids in euros", "en", "I do not know a currency called “zorkmids”"),
        ("100 euros to zorkmids", "en", "I do not know a currency called “zorkmids”"),
        ("50 Namibian dollars", "en", "I do not know a currency called “Namibian dollars”"),
        ("USD 1_000 in EUR", "en", "In which currency"),
        ("What's 10k in euros?", "en", "In which currency"),
        ("convert 100 to euros", "en", "In which currency"),
        ("How much was the euro last year?", "en", "I have the latest"),
        ("¿A cómo estaba el dólar ayer?", "es", "Solo tengo"),
        ("What's the price of gold in euros?", "en", "I do not know a currency called “gold”"),
        ("How much is the helmet in dollars?", "en", "I do not know a currency called “helmet”"),
        ("¿Cuánto cuesta el casco en dólares?", "es", "No conozco ninguna moneda llamada «casco»"),
        ("¿Cuántos euros son 100 doblones?", "es", "No conozco ninguna moneda llamada «doblones»"),
        ("What is a doubloon worth in euros?", "en", "I do not know a currency called “doubloon”"),
        ("Dollars to galleons rate", "en", "I do not know a currency called “galleons”"),
        ("I want to convert my airline miles to euros", "en", "I do not know a currency called “airline miles”"),
    ],
)
def test_what_the_question_lacks_is_asked_back(
    on_samples: Built, question: str, language: Language, asked_back: str
) -> None:
    with pytest.raises(ClarificationNeeded) as needed:
        on_samples(CurrencyAgent).plan_without_model(question, language)
    assert needed.value.question.startswith(asked_back)


@pytest.mark.parametrize("amount", ["0", "1000000000001", "9" * 400])
async def test_an_amount_that_is_no_sum_of_money_is_asked_back(on_samples: Built, amount: str) -> None:
    with pytest.raises(ClarificationNeeded, match="at most 1,000,000,000,000"):
        await on_samples(CurrencyAgent).answer_without_model(f"{amount} dollars in euros", "en")


@pytest.mark.parametrize("asker", ["I am 80 years old. ", "I'm 18, ", "My 90-year-old grandmother asks: "])
def test_a_figure_of_who_asks_is_no_amount(on_samples: Built, asker: str) -> None:
    [call] = on_samples(CurrencyAgent).plan_without_model(f"{asker}what is the dollar worth in euros?", "en")
    assert (call.arguments["base"], call.arguments["amount"]) == ("USD", 1)


async def test_each_amount_is_converted(on_samples: Built) -> None:
    answer, _ = await on_samples(CurrencyAgent).answer_without_model("100 USD and 200 GBP to EUR", "en")
    assert answer.startswith("100 USD = 86.21 EUR")
    assert "200 GBP = 229.89 EUR" in answer


async def test_the_largest_amount_is_converted(on_samples: Built) -> None:
    answer, _ = await on_samples(CurrencyAgent).answer_without_model("1000000 million USD in EUR", "en")
    assert answer.startswith("1,000,000,000,000 USD = 862,068,965,517.24 EUR")


async def test_a_model_may_write_codes_in_lower_case(on_samples: Built) -> None:
    [convert] = on_samples(CurrencyAgent).toolset
    arguments = {"base": "usd", "targets": ["eur", "EUR"], "amount": 2}
    message = await convert.ainvoke({"type": "tool_call", "id": "1", "name": "convert", "args": arguments})
    assert message.artifact.facts["results"] == [{"code": "EUR", "amount": "1.72"}]


def test_the_usual_currencies_are_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CURRENCY_TARGETS_EN", '["JPY"]')
    assert CurrencySettings().targets("en") == ("JPY",)


@pytest.mark.parametrize("reply", [Hang(), Drip()], ids=["hangs", "drips"])
async def test_a_source_that_does_not_end_is_unavailable(
    soon: None, on_sources: Built, sources: DataSources, reply: Reply
) -> None:
    sources.answer(RATES, reply)
    with pytest.raises(SourceUnavailable, match="DATA_TIMEOUT_SECONDS"):
        await on_sources(CurrencyAgent).answer_without_model("100 EUR to USD", "en")


@pytest.mark.checklist("TEST-4", "TEST-5", "TEST-6")
@pytest.mark.parametrize(
    "reply",
    [Json({}, 500), Json({}, 429), Body(b'{"base": "EUR", "rat'), Json([])],
    ids=["500", "429", "truncated", "other type"],
)
async def test_a_source_that_fails_is_unavailable(on_sources: Built, sources: DataSources, reply: Reply) -> None:
    sources.answer(RATES, reply)
    with pytest.raises(SourceUnavailable):
        await on_sources(CurrencyAgent).answer_without_model("100 EUR to USD", "en")


@pytest.mark.checklist("TEST-5", "TEST-6")
@pytest.mark.parametrize(
    "changed",
    [
        {"rates": {"USD": -1.25}},
        {"rates": {"USD": 0}},
        {"rates": {"USD": "1.25"}},
        {"rates": {"USD": None}},
        {"rates": None},
        {"date": "yesterday"},
        {"base": 1},
    ],
)
async def test_rates_that_cannot_be_are_refused(on_sources: Built, sources: DataSources, changed: Any) -> None:
    sources.answer(RATES, Json({**QUOTES, **changed}))
    with pytest.raises(SourceUnavailable, match="break the model"):
        await on_sources(CurrencyAgent).answer_without_model("100 EUR to USD", "en")


@pytest.mark.checklist("TEST-5")
@pytest.mark.parametrize("rate", [b"NaN", b"Infinity", b"1e999"])
async def test_rates_that_are_no_numbers_are_refused(on_sources: Built, sources: DataSources, rate: bytes) -> None:
    text = b'{"base": "EUR", "date": "2026-11-20", "rates": {"USD": ' + rate + b"}}"
    sources.answer(RATES, Body(text))
    with pytest.raises(SourceUnavailable, match="not JSON"):
        await on_sources(CurrencyAgent).answer_without_model("100 EUR to USD", "en")
