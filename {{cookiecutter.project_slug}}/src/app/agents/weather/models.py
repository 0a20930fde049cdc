"""Open-Meteo's answers, as far as they are used: https://open-meteo.com/en/docs."""

from datetime import date
from typing import Final, Self

from pydantic import BaseModel, Field, model_validator

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
