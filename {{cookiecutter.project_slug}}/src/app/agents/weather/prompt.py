"""What the weather agent says: its system prompt and its own sentences."""

from harness import LocalizedMessage, Prompt

WEATHER = Prompt(
    name="weather",
    version="3",
    text={
        "en": """\
You answer questions about the weather with the tool `forecast`, and do nothing else.

- Today is $today (UTC). The tool has today and the six days after it; say so where another day is asked for.
- One call for each place. Give the place as the user names it, with country or region if given.
- State figures exactly as the tool gives them, in degrees Celsius.
- Say so when a place was not found. If no place is given, ask for it in one short question.
- One or two short, friendly sentences for each place.""",
        "es": """\
Respondes preguntas sobre el tiempo con la herramienta `forecast`, y nada más.

- Hoy es $today (UTC). La herramienta tiene hoy y los seis días siguientes; dilo si preguntan por otro día.
- Una llamada por lugar. Da el lugar como lo nombra el usuario, con país o región si los dice.
- Da las cifras tal como las da la herramienta, en grados Celsius.
- Si un lugar no se encontró, dilo. Si no hay lugar, pregúntalo en una sola frase corta.
- Una o dos frases cortas y amables por lugar.""",
    },
)

WHICH_PLACE = LocalizedMessage(
    en="For which place would you like the forecast?", es="¿De qué lugar quieres el pronóstico?"
)
WHICH_DAY = LocalizedMessage(
    en="I have the forecast of today and the next six days; which of them do you mean?",
    es="Tengo el pronóstico de hoy y de los seis días siguientes; ¿cuál de ellos es?",
)
TOO_MANY_PLACES = LocalizedMessage(
    en="Please ask about at most $max places at once.", es="Pregunta por un máximo de $max lugares a la vez, por favor."
)
NOT_FOUND = LocalizedMessage(
    en="I could not find a place called $place; try its city and country.",
    es="No encontré ningún lugar llamado $place; prueba con su ciudad y país.",
)
FORECAST = LocalizedMessage(en="$place, $day: $sky, $low to $high °C", es="$place, $day: $sky, de $low a $high °C")
FORECAST_LINE = LocalizedMessage(en="- $day: $sky, $low to $high °C", es="- $day: $sky, de $low a $high °C")
RAIN = LocalizedMessage(en=", $percent % chance of rain", es=", $percent % de probabilidad de lluvia")
TODAY = LocalizedMessage(en="today ($day)", es="hoy ($day)")
