"""The sentences that the service says itself, without a model."""

from collections.abc import Mapping, Sequence
from string import Template
from typing import Final, cast

from .language import Language, Text


class LocalizedMessage:
    """A fixed sentence per language, with `$name` for what varies."""

    def __init__(self, **text: str) -> None:
        self.text: Text = cast(Text, text)

    def format(self, language: Language, **values: object) -> str:
        """The sentence in `language`, every `$name` filled."""
        return Template(self.text[language]).substitute(values)


class Messages:
    """Every fixed sentence, in one register: plain, friendly, short."""

    CLARIFY: Final = LocalizedMessage(
        en="What would you like to know? I can help with this:\n$agents",
        es="¿Qué te gustaría saber? Puedo ayudarte con esto:\n$agents",
    )
    DECLINE: Final = LocalizedMessage(
        en="I can't help with that. I can help with this:\n$agents",
        es="No puedo ayudarte con eso. Puedo ayudarte con esto:\n$agents",
    )
    REFUSED: Final = LocalizedMessage(
        en="That can be read as instructions to me about how I work, so I left it aside. Please say"
        " in other words what you would like to know. I can help with this:\n$agents",
        es="Eso se puede leer como instrucciones sobre cómo trabajo, así que lo dejé de lado. Dime"
        " con otras palabras qué quieres saber, por favor. Puedo ayudarte con esto:\n$agents",
    )
    WITHHELD: Final = LocalizedMessage(
        en="[withheld: it read like instructions]",
        es="[retenido: parecían instrucciones]",
    )
    TOO_MANY: Final = LocalizedMessage(
        en="That is $given questions at once; please ask at most $max in one message.",
        es="Son $given preguntas a la vez; haz como mucho $max en un mensaje, por favor.",
    )
    MISSING: Final = LocalizedMessage(
        en="I have no answer for this part right now, its data source is unavailable: $question",
        es="Ahora no tengo respuesta para esta parte, su fuente de datos no responde: $question",
    )
    TOO_LATE: Final = LocalizedMessage(
        en="There was no time left for this part; ask it again, by itself: $question",
        es="No quedó tiempo para esta parte; pregúntala otra vez, sola: $question",
    )
    UNAVAILABLE: Final = LocalizedMessage(
        en="I can't answer right now. Please ask again in a few minutes.",
        es="Ahora no puedo responder. Vuelve a preguntar en unos minutos, por favor.",
    )
    KEPT: Final = LocalizedMessage(
        en="No model answers right now: part of this was found out $minutes min ago.",
        es="Ningún modelo responde ahora: una parte de esto se averiguó hace $minutes min.",
    )
    EMBEDDED: Final = LocalizedMessage(
        en="Answered by the embedded model: fixed rules, no language model. Set LLM_MODEL for one.",
        es="Responde el modelo integrado: reglas fijas, sin modelo de lenguaje. Se elige con"
        " LLM_MODEL.",
    )
    DISABLED: Final = LocalizedMessage(
        en="Answered without a language model: DISABLE_LLM is on.",
        es="Respondido sin modelo de lenguaje: DISABLE_LLM está activado.",
    )
    SAMPLE_DATA: Final = LocalizedMessage(
        en="The data are samples, not real ones: USE_FAKE_DATA is on.",
        es="Los datos son de muestra, no reales: USE_FAKE_DATA está activado.",
    )
    MASKED: Final = LocalizedMessage(
        en="Hidden in your message before anything read or kept it: $kinds.",
        es="Oculto en tu mensaje antes de que nada lo leyera o guardara: $kinds.",
    )
    KINDS: Final[Mapping[str, Text]] = {
        "card": {"en": "card numbers", "es": "números de tarjeta"},
        "email": {"en": "e-mail addresses", "es": "direcciones de correo"},
        "iban": {"en": "account numbers (IBAN)", "es": "números de cuenta (IBAN)"},
        "ip": {"en": "IP addresses", "es": "direcciones IP"},
        "national_id": {"en": "identity numbers", "es": "números de identidad"},
        "phone": {"en": "phone numbers", "es": "números de teléfono"},
    }
    """What people call the kinds of personal data."""

    NOT_SAVED: Final = LocalizedMessage(
        en="This exchange could not be saved: the conversation does not remember it.",
        es="Este intercambio no se pudo guardar: la conversación no lo recordará.",
    )

    WAITING: Final = LocalizedMessage(
        en="This waits for approval; nothing has been done yet: $call",
        es="Esto espera aprobación; todavía no se ha hecho nada: $call",
    )
    REJECTED: Final = LocalizedMessage(
        en="This was rejected and not done: $call",
        es="Esto se rechazó y no se hizo: $call",
    )
    DONE: Final = LocalizedMessage(
        en="This was approved and done: $call", es="Esto se aprobó y se hizo: $call"
    )
    NOT_DONE: Final = LocalizedMessage(
        en="This was approved, but could not be begun; nothing was done: $call",
        es="Esto se aprobó, pero no se pudo empezar; no se hizo nada: $call",
    )
    UNCONFIRMED: Final = LocalizedMessage(
        en="This was approved and begun, but not confirmed. Check whether it was done before you ask"
        " again: $call",
        es="Esto se aprobó y se empezó, pero no se confirmó. Comprueba si se hizo antes de pedirlo otra"
        " vez: $call",
    )
    LOST: Final = LocalizedMessage(
        en="This was decided before, and its end is not known. Check whether it was done before you"
        " ask again: $call",
        es="Esto se decidió antes y no se sabe cómo acabó. Comprueba si se hizo antes de pedirlo otra"
        " vez: $call",
    )
    WITHDRAWN: Final = LocalizedMessage(
        en="Since you wrote again, this no longer waits for approval: $call",
        es="Como has vuelto a escribir, esto ya no espera aprobación: $call",
    )

    @classmethod
    def kinds(cls, names: Sequence[str], language: Language) -> str:
        """Kinds of personal data in a row, as people call them."""
        return ", ".join(cls.KINDS[name][language] for name in names)

    @staticmethod
    def bullets(descriptions: list[Text], language: Language) -> str:
        """One line for each description."""
        return "\n".join(f"- {text[language]}" for text in descriptions)
