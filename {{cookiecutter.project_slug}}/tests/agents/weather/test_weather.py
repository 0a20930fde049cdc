import copy
from datetime import date, timedelta
from typing import Any

import pytest

from app.agents.weather.agent import WeatherAgent
from app.agents.weather.days import Day, Days
from app.agents.weather.places import PlaceReader
from harness.errors import ClarificationNeeded, SourceUnavailable
from harness.prompts.language import LanguageDetector
from tests.agents.conftest import Built
from tests.support.peers.data_sources import BOGOTA, DAYS, FIRST_DAY, FORECAST, GEOCODING, DataSources, Drip, Json
from tests.support.peers.openai_replies import Body, Hang, Reply

WHOLE_WEEK = [FIRST_DAY + timedelta(days=i) for i in range(7)]


@pytest.mark.parametrize(
    ("question", "places"),
    [
        ("weather bogota", ["bogota"]),
        ("What's the weather like in Bogotá?", ["Bogotá"]),
        ("weather in bogotá and lima tomorrow", ["bogotá", "lima"]),
        ("¿Qué tiempo hace hoy en Bogotá, Lima y Quito?", ["Bogotá", "Lima", "Quito"]),
        ("weather in Bogotá, and Lima", ["Bogotá", "Lima"]),
        ("weather in Paris, Texas this weekend", ["Paris, Texas"]),
        ("¿Va a llover mañana en Lima y en Cusco?", ["Lima", "Cusco"]),
        ("clima de medellín", ["medellín"]),
        ("London weather this week", ["London"]),
        ("¿Qué tiempo hará el viernes en Santiago de Chile?", ["Santiago de Chile"]),
        ("¿Hará frío por la mañana en la paz?", ["la paz"]),
        ("Do I need an umbrella in The Hague in the morning?", ["The Hague"]),
        ("forecast for New York City and Mexico City", ["New York City", "Mexico City"]),
        ("¿Cómo está el clima en Ciudad de México?", ["Ciudad de México"]),
        ("clima en la ciudad de bogotá", ["bogotá"]),
        ("Buenos días, ¿qué tiempo hace en Buenos Aires?", ["Buenos Aires"]),
        ("What will the weather be like tomorrow? Lima", ["Lima"]),
        ("Can I have a barbecue tomorrow? Lima", ["Lima"]),
        ("And Lima?", ["Lima"]),
        ("weather in Lima and take an umbrella", ["Lima"]),
        ("weather in Lima, Lima and Quito", ["Lima", "Quito"]),
        ("¿Llueve en Santa Cruz de la Sierra?", ["Santa Cruz de la Sierra"]),
        ("What's the weather like in the", []),
        ("What's the weather like tomorrow, and on Friday?", []),
        ("¿Qué tiempo hace?", []),
        ("Will it be cold for dinner?", []),
        ("¿Necesito paraguas para el concierto?", []),
        ("Is it cold in the fridge?", []),
        ("Will it rain in the garden in Lima?", ["Lima"]),
        ("forecast for new york", ["new york"]),
        ("weather in springfield this weekend", ["springfield"]),
        ("Cuéntame el clima de Madrid de esta semana", ["Madrid"]),
        ("Springfield and Quito weather this weekend", ["Springfield", "Quito"]),
        ("¿Qué temperatura máxima tendrá Cusco el viernes?", ["Cusco"]),
    ],
)
def test_places_are_read_off_the_question(question: str, places: list[str]) -> None:
    assert PlaceReader().places(question) == places


@pytest.mark.parametrize(
    ("question", "day"),
    [
        ("weather in Lima", "today"),
        ("¿Lloverá mañana en Lima?", "tomorrow"),
        ("¿Hará frío por la mañana en Lima?", "today"),
        ("¿Llueve esta mañana?", "today"),
        ("the day after tomorrow", "day_after_tomorrow"),
        ("pasado mañana", "day_after_tomorrow"),
        ("this weekend", "weekend"),
        ("el fin de semana", "weekend"),
        ("esta semana", "week"),
        ("over the next days", "week"),
        ("on Friday", "friday"),
        ("el sábado", "saturday"),
    ],
)
def test_the_day_is_read_off_the_question(question: str, day: Day) -> None:
    assert Days.read(question) == day


@pytest.mark.parametrize(
    ("question", "day"),
    [
        ("in three days", "monday"),
        ("dentro de 2 días", "sunday"),
        ("on 25 November", "wednesday"),
        ("November 20th", "today"),
        ("el 21 de noviembre de 2026", "saturday"),
        ("on 5 December", None),
        ("1 January 2020", None),
        ("31 February", None),
        ("yesterday", None),
        ("ayer", None),
        ("in three weeks", None),
        ("the week before last week", None),
        ("next month", None),
    ],
)
def test_a_day_that_is_not_named_is_counted_or_none(question: str, day: Day | None) -> None:
    assert Days.read(f"weather in Lima {question}", FIRST_DAY) == day


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("How hot will it be in Lima on Friday and in Quito on Saturday?", ["Lima friday", "Quito saturday"]),
        ("Weather in Lima, Peru on Friday and in Cusco on Sunday", ["Lima, Peru friday", "Cusco sunday"]),
        ("¿Lloverá en Lima hoy o mañana?", ["Lima today", "Lima tomorrow"]),
        (
            "Weather in Lima and Quito on Friday and Saturday",
            ["Lima friday", "Quito friday", "Lima saturday", "Quito saturday"],
        ),
        ("Weather in Lima and Quito on Friday", ["Lima friday", "Quito friday"]),
        ("Weather in Lima from Monday to Wednesday", ["Lima week"]),
    ],
)
def test_no_day_that_is_asked_about_is_left_out(on_samples: Built, question: str, asked: list[str]) -> None:
    calls = on_samples(WeatherAgent).plan_without_model(question, LanguageDetector("en").detect(question))
    assert [f"{it.arguments['place']} {it.arguments['day']}" for it in calls] == asked


def test_a_day_that_is_said_afterwards_counts(on_samples: Built) -> None:
    [call] = on_samples(WeatherAgent).plan_without_model("Will it rain in Lima? I mean tomorrow.", "en")
    assert call.arguments["day"] == "tomorrow"


@pytest.mark.parametrize("days", ["on the 1st and 2nd of December", "yesterday and today", "yesterday"])
def test_days_that_no_forecast_has_or_that_are_not_read_are_asked_back(on_samples: Built, days: str) -> None:
    with pytest.raises(ClarificationNeeded, match="next six days"):
        on_samples(WeatherAgent).plan_without_model(f"Weather in Lima {days}", "en")


def test_the_place_stands_where_the_weather_is_asked_for(on_samples: Built) -> None:
    def place(question: str) -> str:
        return str(on_samples(WeatherAgent).plan_without_model(question, "en")[0].arguments["place"])

    assert place("I am from Lima. Will it rain in Quito?") == "Quito"
    assert place("I live in Lima. Do I need an umbrella?") == "Lima"
    assert place("My name is Ana, from Quito, will it rain in Lima?") == "Lima"
    with pytest.raises(ClarificationNeeded, match="For which place"):
        place("What medicine should I take for the cold?")


@pytest.mark.parametrize(
    ("first", "day", "positions"),
    [
        (0, "today", [0]),
        (0, "tomorrow", [1]),
        (0, "day_after_tomorrow", [2]),
        (0, "week", [0, 1, 2, 3, 4, 5, 6]),
        (0, "friday", [0]),
        (0, "thursday", [6]),
        (0, "weekend", [1, 2]),
        (1, "weekend", [0, 1]),
        (2, "weekend", [0]),
    ],
)
def test_a_day_is_found_among_the_dates(first: int, day: Day, positions: list[int]) -> None:
    dates = [each + timedelta(days=first) for each in WHOLE_WEEK]
    assert Days.pick(day, dates) == positions


def test_a_date_is_said_in_each_language() -> None:
    assert Days.say(date(2026, 3, 1), "en") == "Sunday 1 March"
    assert Days.say(date(2026, 3, 1), "es") == "domingo 1 de marzo"


async def test_the_real_sources_are_asked_and_answered_in_english(on_sources: Built, sources: DataSources) -> None:
    agent = on_sources(WeatherAgent)
    answer, findings = await agent.answer_without_model("Weather in Bogotá?", "en")
    assert answer == (
        "Bogotá, Colombia, today (Friday 20 November): light showers, 9 to 19 °C," " 85 % chance of rain."
    )
    assert findings[0].sources == [{"title": "Open-Meteo", "url": "https://open-meteo.com/"}]
    assert sources.asked(GEOCODING) == [{"name": "Bogotá", "count": "10", "language": "en"}]
    asked = sources.asked(FORECAST)[0]
    assert (asked["latitude"], asked["longitude"]) == ("4.60971", "-74.08175")
    assert (asked["timezone"], asked["forecast_days"]) == ("auto", "7")


async def test_several_days_are_a_list_in_spanish(on_sources: Built) -> None:
    answer, _ = await on_sources(WeatherAgent).answer_without_model("Bogotá el fin de semana", "es")
    assert answer == (
        "Bogotá, Colombia:\n"
        "- sábado 21 de noviembre: cubierto, de 8 a 19 °C, 30 % de probabilidad de lluvia.\n"
        "- domingo 22 de noviembre: lluvia ligera, de 10 a 18 °C, 90 % de probabilidad de lluvia."
    )


async def test_a_chance_of_rain_that_the_source_leaves_out_is_left_out(on_sources: Built) -> None:
    answer, _ = await on_sources(WeatherAgent).answer_without_model("Bogotá on Thursday", "en")
    assert answer == "Bogotá, Colombia, Thursday 26 November: fog, 0 to 1 °C."


async def test_a_code_that_is_new_is_called_unnamed(on_sources: Built, sources: DataSources) -> None:
    sources.answer(FORECAST, Json(broken(weather_code=[7] * 7)))
    answer, _ = await on_sources(WeatherAgent).answer_without_model("Weather in Bogotá", "en")
    assert "unnamed weather" in answer


@pytest.mark.parametrize(("region", "title"), [("Texas", "Paris, United States"), ("france", "Paris, France")])
async def test_a_region_tells_places_of_one_name_apart(on_samples: Built, region: str, title: str) -> None:
    answer, _ = await on_samples(WeatherAgent).answer_without_model(f"Weather in Paris, {region}", "en")
    assert answer.startswith(title)


async def test_a_place_that_is_not_found_is_said_so_beside_those_that_are(on_samples: Built) -> None:
    agent = on_samples(WeatherAgent)
    answer, _ = await agent.answer_without_model("¿Qué tiempo hace en Lima y Atlantis?", "es")
    found, lost = answer.split("\n")
    assert found.startswith("Lima, Perú, hoy (")
    assert lost == ("No encontré ningún lugar llamado Atlantis; prueba con su ciudad y país.")


@pytest.mark.parametrize(
    ("question", "asked_back"),
    [
        ("What's the weather?", "For which place would you like the forecast?"),
        ("¿Qué tiempo hará mañana?", "¿De qué lugar quieres el pronóstico?"),
        ("Weather in Lima, Quito, Cali, Cusco and Madrid?", "at most 4 places"),
    ],
)
def test_what_the_question_lacks_is_asked_back(on_samples: Built, question: str, asked_back: str) -> None:
    language = LanguageDetector("en").detect(question)
    with pytest.raises(ClarificationNeeded, match=asked_back.replace("?", r"\?")):
        on_samples(WeatherAgent).plan_without_model(question, language)


async def test_sample_data_are_the_same_each_time_and_called_so(on_samples: Built) -> None:
    agent = on_samples(WeatherAgent)
    first, findings = await agent.answer_without_model("Lima this week", "en")
    again, _ = await agent.answer_without_model("Lima this week", "en")
    assert first == again
    assert first.count("\n") == 7
    assert findings[0].sources[0]["title"] == "Open-Meteo (sample data)"


def broken(**daily: Any) -> Any:
    """The forecast with some of its lists replaced; None takes one away."""
    answer = copy.deepcopy(dict(DAYS))
    answer["daily"].update(daily)
    answer["daily"] = {name: value for name, value in answer["daily"].items() if value is not None}
    return answer


@pytest.mark.parametrize("path", [GEOCODING, FORECAST])
@pytest.mark.parametrize("reply", [Hang(), Drip()], ids=["hangs", "drips"])
async def test_a_source_that_does_not_end_is_unavailable(
    soon: None, on_sources: Built, sources: DataSources, path: str, reply: Reply
) -> None:
    sources.answer(path, reply)
    with pytest.raises(SourceUnavailable, match="DATA_TIMEOUT_SECONDS"):
        await on_sources(WeatherAgent).answer_without_model("Weather in Bogotá", "en")


@pytest.mark.checklist("TEST-4", "TEST-5", "TEST-6")
@pytest.mark.parametrize("path", [GEOCODING, FORECAST])
@pytest.mark.parametrize(
    "reply",
    [Json({}, 503), Json({}, 429), Body(b'{"daily": {"time'), Body(b"[]")],
    ids=["503", "429", "truncated", "other type"],
)
async def test_a_source_that_fails_is_unavailable(
    on_sources: Built, sources: DataSources, path: str, reply: Reply
) -> None:
    sources.answer(path, reply)
    with pytest.raises(SourceUnavailable):
        await on_sources(WeatherAgent).answer_without_model("Weather in Bogotá", "en")


@pytest.mark.checklist("TEST-5", "TEST-6")
@pytest.mark.parametrize(
    "answer",
    [
        {"results": [{**BOGOTA, "latitude": 95}]},
        {"results": [{**BOGOTA, "longitude": "west"}]},
        {"results": [{"name": "Bogotá"}]},
    ],
)
async def test_a_place_that_cannot_be_is_refused(on_sources: Built, sources: DataSources, answer: Any) -> None:
    sources.answer(GEOCODING, Json(answer))
    with pytest.raises(SourceUnavailable, match="break the model"):
        await on_sources(WeatherAgent).answer_without_model("Weather in Bogotá", "en")


@pytest.mark.checklist("TEST-5", "TEST-6")
@pytest.mark.parametrize(
    "daily",
    [
        {"temperature_2m_max": None},
        {"temperature_2m_max": ["18"] * 7},
        {"temperature_2m_max": [None] * 7},
        {"temperature_2m_max": [18.5] * 6},
        {"time": ["today"] * 7},
        {name: values[:3] for name, values in DAYS["daily"].items()},
    ],
    ids=["missing", "texts", "nulls", "too few", "no dates", "half a week"],
)
async def test_a_forecast_that_is_incomplete_is_refused(on_sources: Built, sources: DataSources, daily: Any) -> None:
    sources.answer(FORECAST, Json(broken(**daily)))
    with pytest.raises(SourceUnavailable, match="break the model"):
        await on_sources(WeatherAgent).answer_without_model("Weather in Bogotá", "en")


async def test_a_name_that_the_geocoder_does_not_know_comes_without_results(
    on_sources: Built, sources: DataSources
) -> None:
    sources.answer(GEOCODING, Json({"generationtime_ms": 0.5}))
    answer, _ = await on_sources(WeatherAgent).answer_without_model("Weather in Xyzzy", "en")
    assert answer.startswith("I could not find a place called Xyzzy")
    assert sources.asked(FORECAST) == []
