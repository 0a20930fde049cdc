"""What a model call costs, by the provider's own count and the price table in the settings."""

from collections.abc import Mapping
from typing import Final

import structlog
from langchain_core.messages.ai import UsageMetadata

from ..settings import EMBEDDED

log = structlog.stdlib.get_logger(__name__)


class Prices:
    """US dollars per million tokens, in and out, by model.

    Cached and reasoning tokens are counted at these prices too: the sum is never too low for the
    models whose cached tokens are cheaper.
    """

    PER_TOKENS: Final = 1_000_000
    """What a price is for, as every provider lists it."""

    def __init__(self, table: Mapping[str, tuple[float, float]]) -> None:
        """Know the prices of LLM_PRICES."""
        self._table = {EMBEDDED: (0.0, 0.0), **table}
        self._named: set[str] = set()

    def usd(self, model: str, tokens: UsageMetadata) -> float | None:
        """The price of a call; None where the table does not have the model (logged once)."""
        if model not in self._table:
            if model not in self._named:
                self._named.add(model)
                log.warning("model_without_price", model=model, remedy="add it to LLM_PRICES")
            return None
        price_in, price_out = self._table[model]
        whole = tokens["input_tokens"] * price_in + tokens["output_tokens"] * price_out
        return whole / self.PER_TOKENS
