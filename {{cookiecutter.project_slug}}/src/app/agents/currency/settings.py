"""What the currency agent lets its operator choose."""

from typing import Final

from pydantic import AnyHttpUrl, Field
from pydantic_settings import SettingsConfigDict

from harness import Configuration, Language

SOURCE_URL: Final = "https://frankfurter.dev/"
"""Named in answers."""


class CurrencySettings(Configuration):
    """Environment variables that start with CURRENCY_."""

    model_config = SettingsConfigDict(env_prefix="CURRENCY_")

    rates_url: AnyHttpUrl = AnyHttpUrl("https://api.frankfurter.dev/v1/latest")
    """Where the European Central Bank's daily reference rates come from; no key."""

    targets_en: tuple[str, ...] = ("USD", "EUR", "GBP")
    """Currencies that one is shown in where an English question names no other."""

    targets_es: tuple[str, ...] = ("USD", "EUR", "MXN", "BRL")
    """The same for Spanish questions. COP, ARS, CLP and PEN are not among the bank's rates."""

    max_amount: float = Field(default=1e12, gt=0)
    """Largest amount that is converted; beyond it floating point shows wrong cents."""

    def targets(self, language: Language) -> tuple[str, ...]:
        """The currencies to show in `language`."""
        return self.targets_es if language == "es" else self.targets_en
