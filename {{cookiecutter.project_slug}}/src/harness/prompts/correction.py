"""The prompts of a second attempt: what was wrong with the first answer."""

from .prompt import Prompt

UNGROUNDED = Prompt(
    name="correction-ungrounded",
    version="1",
    text={
        "en": """\
Nothing that you were given supports this in your answer: $unsupported
Write the whole answer again without it. State only what the results say, every figure, date, currency
and name as it stands there; say plainly what they do not say. Do not mention this correction.""",
        "es": """\
Nada de lo que se te dio respalda esto de tu respuesta: $unsupported
Escribe otra vez la respuesta entera sin ello. Di solo lo que dicen los resultados, cada cifra, fecha,
moneda y nombre tal como está ahí; di claramente lo que no dicen. No menciones esta corrección.""",
    },
)

LANGUAGE = Prompt(
    name="correction-language",
    version="1",
    text={
        "en": """\
Your answer is not in English. Write the same answer again in English, names and figures unchanged. Do
not mention this correction.""",
        "es": """\
Tu respuesta no está en español. Escribe la misma respuesta otra vez en español, sin cambiar nombres ni
cifras. No menciones esta corrección.""",
    },
)
