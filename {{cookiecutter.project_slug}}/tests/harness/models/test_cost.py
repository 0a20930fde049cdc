"""Tokens become money where the price is known, and nothing is made up where it is not."""

from collections.abc import Iterator

import pytest
from langchain_core.messages.ai import UsageMetadata

from harness.errors import ConfigurationError
from harness.models.call_recorder import Prices
from harness.settings import Settings
from harness.telemetry.logging import Logs
from tests.conftest import Lines

TOKENS = UsageMetadata(input_tokens=2_000_000, output_tokens=500_000, total_tokens=2_500_000)


@pytest.fixture(autouse=True)
def _logs() -> Iterator[None]:
    with Logs(Settings()):
        yield


def test_a_call_costs_its_tokens_by_the_price_of_a_million(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_PRICES", '{"openai:m": [0.25, 2]}')

    assert Prices(Settings().llm_prices).usd("openai:m", TOKENS) == pytest.approx(1.5)


def test_the_embedded_model_costs_nothing() -> None:
    assert Prices({}).usd("embedded", TOKENS) == 0


def test_a_model_without_a_price_costs_an_unknown_sum_and_is_named_once(lines: Lines) -> None:
    prices = Prices({})

    assert [prices.usd("openai:m", TOKENS) for _ in range(3)] == [None] * 3
    assert [line["model"] for line in lines.named("model_without_price")] == ["openai:m"]


@pytest.mark.parametrize(
    "table", ["{", "[]", '{"m": 1}', '{"m": [1]}', '{"m": [-1, 2]}', '{"m": ["a", 2]}']
)
def test_a_table_that_is_none_is_refused_at_start(
    monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    monkeypatch.setenv("LLM_PRICES", table)

    with pytest.raises(ConfigurationError, match="LLM_PRICES"):
        Settings()
