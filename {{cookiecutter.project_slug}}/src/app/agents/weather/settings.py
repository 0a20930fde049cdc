"""What the weather agent lets its operator choose."""

from typing import Final

from pydantic import AnyHttpUrl, Field
from pydantic_settings import SettingsConfigDict

from harness import Configuration

from .models import WEEK

SOURCE_URL: Final = "https://open-meteo.com/"
"""Named in answers: Open-Meteo's licence (CC BY 4.0) asks for it."""


class WeatherSettings(Configuration):
    """Environment variables that start with WEATHER_."""

    model_config = SettingsConfigDict(env_prefix="WEATHER_")

    geocoding_url: AnyHttpUrl = AnyHttpUrl("https://geocoding-api.open-meteo.com/v1/search")
    """Where place names become coordinates."""

    forecast_url: AnyHttpUrl = AnyHttpUrl("https://api.open-meteo.com/v1/forecast")
    """Where forecasts come from; free for non-commercial use, no key."""

    forecast_days: int = Field(default=7, ge=WEEK, le=16)
    """Days asked for, today included: 7 reach every weekday once, 16 is the source's most."""

    candidates: int = Field(default=10, ge=1, le=100)
    """Places of one name that are looked through for the country or region that was given."""

    max_places: int = Field(default=4, ge=1, le=20)
    """Most places in one question."""
