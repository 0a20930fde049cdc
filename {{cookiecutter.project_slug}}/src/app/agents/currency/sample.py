"""Invented rates in Frankfurter's format, for USE_FAKE_DATA."""

from datetime import UTC, datetime, timedelta
from typing import Final

import httpx2

RATES: Final = {
    "AUD": 1.77,
    "BRL": 6.2,
    "CAD": 1.62,
    "CHF": 0.93,
    "CNY": 8.2,
    "CZK": 24.3,
    "DKK": 7.46,
    "GBP": 0.87,
    "HKD": 9.1,
    "HUF": 385.0,
    "IDR": 19350.0,
    "ILS": 3.8,
    "INR": 103.0,
    "ISK": 147.0,
    "JPY": 180.0,
    "KRW": 1700.0,
    "MXN": 21.4,
    "MYR": 4.8,
    "NOK": 11.8,
    "NZD": 2.05,
    "PHP": 68.0,
    "PLN": 4.25,
    "RON": 5.09,
    "SEK": 11.0,
    "SGD": 1.51,
    "THB": 37.7,
    "TRY": 49.0,
    "USD": 1.16,
    "ZAR": 20.0,
}
"""Units for one euro."""


class CurrencySample:
    """The rates of the last working day, always the same."""

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """The answer to one request of `CurrencyTools`."""
        today = datetime.now(UTC).date()
        friday = 4  # as `date.weekday` counts
        day = today - timedelta(days=max(0, today.weekday() - friday))
        base = request.url.params["base"]
        answer = {"amount": 1.0, "base": base, "date": day.isoformat(), "rates": RATES}
        return httpx2.Response(200, json=answer)
