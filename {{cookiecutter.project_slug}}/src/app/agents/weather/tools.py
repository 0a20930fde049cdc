"""What the weather agent can do: look up the forecast of a place."""

from harness import AgentResources, Language, Params, Source, ToolResult, Translations, Words

from .days import Day, Days
from .models import SKY, UNKNOWN, Daily, Forecast, Place, Places
from .settings import SOURCE_URL, WeatherSettings


class WeatherTools:
    """The tools; their docstrings and types are what a model reads."""

    def __init__(self, resources: AgentResources, settings: WeatherSettings) -> None:
        self._http = resources.http
        self._settings = settings
        self._source = Source(title=resources.title("Open-Meteo"), url=SOURCE_URL)

    async def forecast(self, place: str, day: Day = "today", language: Language = "en") -> ToolResult:
        """Get the weather forecast of one place: sky, temperatures in °C, chance of rain.

        Args:
            place: City or town; add country or region after a comma where the user gives it.
            day: The day or days the user asks about.
            language: Language of the user's question.
        """
        spot = await self._find(place, language)
        if spot is None:
            return ToolResult({"place": place, "found": False}, [self._source])
        daily = (await self._forecast(spot)).daily
        days = [
            {
                "date": daily.time[i].isoformat(),
                "is_today": i == 0,
                "sky": Translations.pick(SKY.get(daily.weather_code[i], UNKNOWN), language),
                "min_celsius": round(daily.temperature_2m_min[i]),
                "max_celsius": round(daily.temperature_2m_max[i]),
                "rain_percent": daily.precipitation_probability_max[i],
            }
            for i in Days.pick(day, daily.time)
        ]
        return ToolResult({"place": spot.title, "found": True, "days": days}, [self._source])

    async def _find(self, place: str, language: Language) -> Place | None:
        """The best place of that name; what stands after a comma is its country or region."""
        name, _, region = place.partition(",")
        params: Params = {"name": name.strip(), "count": self._settings.candidates, "language": language}
        url = str(self._settings.geocoding_url)
        found = await self._http.get_json(url, params, Places)
        wanted = Words.tokenize(region)
        for spot in found.results:
            known = Words.tokenize(f"{spot.country} {spot.country_code} {spot.admin1}")
            if set(wanted) <= set(known):
                return spot
        return None

    async def _forecast(self, spot: Place) -> Forecast:
        variables = [name for name in Daily.model_fields if name != "time"]
        return await self._http.get_json(
            str(self._settings.forecast_url),
            {
                "latitude": spot.latitude,
                "longitude": spot.longitude,
                "daily": ",".join(variables),
                "timezone": "auto",  # days begin at the place's own midnight
                "forecast_days": self._settings.forecast_days,
            },
            Forecast,
        )
