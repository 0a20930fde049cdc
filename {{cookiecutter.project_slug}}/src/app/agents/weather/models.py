"""Open-Meteo's answers, as far as they are used: https://open-meteo.com/en/docs."""

from collections.abc import Mapping
from datetime import date
from typing import Final, Self

from pydantic import BaseModel, Field, model_validator

from harness import Text

WEEK: Final = 7
"""Days; fewer would leave a weekday without its forecast."""


class Place(BaseModel):
    """One place that has the name."""

    name: str
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    country: str = ""
    country_code: str = ""
    admin1: str = ""
    """The state or province."""

    @property
    def title(self) -> str:
        """`Bogotá, Colombia`."""
        return ", ".join(filter(None, (self.name, self.country)))


class Places(BaseModel):
    """The geocoder's answer, best match first; it leaves `results` out when there is none."""

    results: list[Place] = []


class Daily(BaseModel):
    """One list for each variable, one item for each day; degrees Celsius and percent."""

    time: list[date] = Field(min_length=WEEK)
    weather_code: list[int]
    temperature_2m_min: list[float]
    temperature_2m_max: list[float]
    precipitation_probability_max: list[int | None]
    """None where the weather model does not say."""

    @model_validator(mode="after")
    def _hold_every_day(self) -> Self:
        if {len(getattr(self, name)) for name in Daily.model_fields} != {len(self.time)}:
            raise ValueError("the lists differ in length")
        return self


class Forecast(BaseModel):
    """The forecast's answer, first day today at the place."""

    daily: Daily


SKY: Final[Mapping[int, Text]] = {
    0: {"en": "clear sky", "es": "cielo despejado"},
    1: {"en": "mostly clear", "es": "mayormente despejado"},
    2: {"en": "partly cloudy", "es": "parcialmente nublado"},
    3: {"en": "overcast", "es": "cubierto"},
    45: {"en": "fog", "es": "niebla"},
    48: {"en": "freezing fog", "es": "niebla helada"},
    51: {"en": "light drizzle", "es": "llovizna ligera"},
    53: {"en": "drizzle", "es": "llovizna"},
    55: {"en": "dense drizzle", "es": "llovizna intensa"},
    56: {"en": "light freezing drizzle", "es": "llovizna helada ligera"},
    57: {"en": "freezing drizzle", "es": "llovizna helada"},
    61: {"en": "light rain", "es": "lluvia ligera"},
    63: {"en": "rain", "es": "lluvia"},
    65: {"en": "heavy rain", "es": "lluvia fuerte"},
    66: {"en": "light freezing rain", "es": "lluvia helada ligera"},
    67: {"en": "freezing rain", "es": "lluvia helada"},
    71: {"en": "light snow", "es": "nieve ligera"},
    73: {"en": "snow", "es": "nieve"},
    75: {"en": "heavy snow", "es": "nieve fuerte"},
    77: {"en": "snow grains", "es": "cinarra"},
    80: {"en": "light showers", "es": "chubascos ligeros"},
    81: {"en": "showers", "es": "chubascos"},
    82: {"en": "violent showers", "es": "chubascos violentos"},
    85: {"en": "light snow showers", "es": "chubascos de nieve ligeros"},
    86: {"en": "snow showers", "es": "chubascos de nieve"},
    95: {"en": "thunderstorm", "es": "tormenta"},
    96: {"en": "thunderstorm with light hail", "es": "tormenta con granizo ligero"},
    99: {"en": "thunderstorm with hail", "es": "tormenta con granizo"},
}
"""Weather codes in words: WMO table 4677, in the part that Open-Meteo uses."""

UNKNOWN: Final[Text] = {"en": "unnamed weather", "es": "tiempo sin nombre"}
"""For a code that the source added later."""
