"""The weather agent: the forecast of one or several places."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from harness import Agent, ClarificationNeeded, Language, LocalizedMessage, Policy, ToolCall, ToolMethod, ToolResult

from .days import Days
from .places import KEYWORDS, PlaceReader
from .prompt import FORECAST, FORECAST_LINE, NOT_FOUND, RAIN, TODAY, TOO_MANY_PLACES, WEATHER, WHICH_DAY, WHICH_PLACE
from .sample import WeatherSample
from .settings import WeatherSettings
from .tools import WeatherTools


class WeatherAgent(Agent[WeatherSettings]):
    """Looks a place up and reads its forecast."""

    description = {
        "en": "Weather forecast of a place: today, tomorrow, the weekend or the week.",
        "es": "Pronóstico del tiempo de un lugar: hoy, mañana, el fin de semana o la semana.",
    }
    keywords = KEYWORDS
    examples = {
        "en": (
            "What's the weather like in Bogotá tomorrow?",
            "Will it rain in London and Madrid this weekend?",
            "Do I need an umbrella in Lima?",
        ),
        "es": (
            "¿Qué tiempo hace en Bogotá?",
            "¿Va a llover mañana en Lima y Quito?",
            "Pronóstico para Medellín esta semana",
        ),
    }
    prompt = WEATHER
    fake_source = WeatherSample()

    def policy(self) -> Policy:
        """The geocoder's host and the forecast's."""
        urls = (self.settings.geocoding_url, self.settings.forecast_url)
        return Policy(tools={"forecast"}, hosts={str(url.host) for url in urls})

    def tool_methods(self) -> Sequence[ToolMethod]:
        """One tool."""
        return [WeatherTools(self.resources, self.settings).forecast]

    def plan_without_model(self, question: str, language: Language) -> Sequence[ToolCall]:
        """One forecast for each place.

        Raises:
            ClarificationNeeded: No place is named, or too many; or a day that no forecast has.
        """
        about = self.words.focus(question)
        places = PlaceReader().places(about) or PlaceReader().places(question)
        if not places:
            raise ClarificationNeeded(WHICH_PLACE.format(language))
        said = Days.parts(question)  # `Will it rain in Lima? I mean tomorrow.`
        days = Days.parts(about) if Days.is_named(about) or None in [day for _, day in said] else said
        own = [(day, PlaceReader().places(part)) for part, day in days]
        if not all(each for _, each in own):  # `Lima and Quito today and tomorrow`
            own = [(day, places) for day, _ in own]
        if None in [day for day, _ in own]:
            raise ClarificationNeeded(WHICH_DAY.format(language))
        calls = [{"place": place, "day": day, "language": language} for day, each in own for place in each]
        if len(calls) > self.settings.max_places:
            raise ClarificationNeeded(TOO_MANY_PLACES.format(language, max=self.settings.max_places))
        return [ToolCall("forecast", it) for it in calls]

    def render(self, findings: Sequence[ToolResult], language: Language) -> str:
        """One line for each place, or one for each of its days."""
        return "\n".join(self._tell(finding.facts, language) for finding in findings)

    def _tell(self, facts: Mapping[str, Any], language: Language) -> str:
        place, days = facts["place"], facts.get("days", [])
        if not facts["found"]:
            return NOT_FOUND.format(language, place=place)
        if len(days) == 1:
            return self._say(FORECAST, place, days[0], language)
        lines = [self._say(FORECAST_LINE, place, day, language) for day in days]
        return "\n".join([f"{place}:", *lines])

    @staticmethod
    def _say(phrase: LocalizedMessage, place: str, day: Mapping[str, Any], language: Language) -> str:
        name = Days.say(date.fromisoformat(day["date"]), language)
        said = phrase.format(
            language,
            place=place,
            day=TODAY.format(language, day=name) if day["is_today"] else name,
            sky=day["sky"],
            low=day["min_celsius"],
            high=day["max_celsius"],
        )
        rain = day["rain_percent"]
        return said + ("" if rain is None else RAIN.format(language, percent=rain)) + "."
