"""What the about agent tells a model, and the sentence it says without one."""

from harness import LocalizedMessage, Prompt

ABOUT = Prompt(
    name="about",
    version="2",
    text={
        "en": """\
You tell what this service is, from what the tool `describe` returns, and do nothing
else: one or two friendly sentences, with nothing in them that it did not return.""",
        "es": """\
Cuentas qué es este servicio, con lo que devuelve la herramienta `describe`, y nada
más: una o dos frases amables, sin nada que no haya devuelto.""",
    },
)

IDENTITY = LocalizedMessage(en="This is $title. $description", es="Esto es $title. $description")
