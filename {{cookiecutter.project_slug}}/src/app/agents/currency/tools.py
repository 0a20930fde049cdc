"""What the currency agent can do: convert an amount at the day's rates."""

import datetime
from math import floor, log10
from typing import Annotated, Final

from pydantic import BaseModel, Field

from harness import AgentResources, ClarificationNeeded, Language, Source, ToolResult

from .prompt import WHICH_AMOUNT
from .settings import SOURCE_URL, CurrencySettings

Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Rates(BaseModel):
    """One day's rates, Frankfurter's answer (https://frankfurter.dev/v1/): so many units of each currency for one of `base`."""

    base: str
    date: datetime.date
    rates: dict[str, Rate]


class CurrencyTools:
    """The tools; their docstrings and types are what a model reads."""

    EURO: Final = "EUR"
    """The bank quotes every currency in it; other pairs follow from two of these."""

    def __init__(self, resources: AgentResources, settings: CurrencySettings) -> None:
        self._http = resources.http
        self._settings = settings
        title = resources.title("Frankfurter, European Central Bank rates")
        self._source = Source(title=title, url=SOURCE_URL)

    async def convert(self, base: str, targets: list[str], amount: float = 1, language: Language = "en") -> ToolResult:
        """Convert an amount of one currency into others at the latest daily reference rates.

        Args:
            base: ISO 4217 code of the currency that the amount is in, such as USD.
            targets: ISO 4217 codes to convert into; empty for the usual ones.
            amount: The amount, 1 for the rate alone.
            language: Language of the user's question.
        """
        if not 0 < amount <= self._settings.max_amount:  # also true for not-a-number
            most = self._figure(self._settings.max_amount, language)
            raise ClarificationNeeded(WHICH_AMOUNT.format(language, max=most))
        answer = await self._http.get_json(str(self._settings.rates_url), {"base": self.EURO}, Rates)
        rates = {**answer.rates, answer.base: 1.0}
        base = base.upper()
        others = [code.upper() for code in targets] or self._settings.targets(language)
        wanted = [code for code in dict.fromkeys(others) if code != base]
        missing = [code for code in (base, *wanted) if code not in rates]
        facts = {
            "date": answer.date.isoformat(),
            "amount": self._figure(amount, language),
            "base": base,
            "results": [
                {"code": code, "amount": self._figure(amount * rates[code] / rates[base], language)}
                for code in wanted
                if base in rates and code in rates
            ],
            "not_available": missing,
            "available": sorted(rates) if missing else [],
        }
        return ToolResult(facts, [self._source])

    @staticmethod
    def _figure(value: float, language: Language) -> str:
        """As people write it: two decimals, below 1 four digits that tell: 0.8613, 0.00005642."""
        decimals = 2 if value >= 1 else 3 - floor(log10(value))
        text = f"{value:,.{decimals}f}".removesuffix(".00")
        return text.translate(str.maketrans(",.", ".,")) if language == "es" else text
