"""What may come in and go out, and what is written down about it."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import AfterValidator, TypeAdapter

from ..configuration import Configuration

PersonalKind = Literal["card", "email", "iban", "ip", "national_id", "phone"]
PersonalAct = Literal["pass", "mask", "refuse"]


class PersonalActs:
    """Reads a setting such as `card:mask,iban:refuse`: what becomes of each kind."""

    NONE: ClassVar = "none"
    FORM: ClassVar = TypeAdapter(dict[PersonalKind, PersonalAct])

    @classmethod
    def read(cls, text: str) -> Mapping[PersonalKind, PersonalAct]:
        """The act of each kind that `text` names; the others pass.

        Raises:
            ValueError: It is written otherwise.
        """
        if text.strip() == cls.NONE:
            return {}
        pairs = [pair.partition(":") for pair in text.split(",")]
        try:
            acts = cls.FORM.validate_python({kind.strip(): act.strip() for kind, _, act in pairs})
        except ValueError:
            acts = {}
        if len(acts) == len(pairs):
            return acts
        kinds, known = ", ".join(get_args(PersonalKind)), ", ".join(get_args(PersonalAct))
        raise ValueError(
            f"write `{cls.NONE}`, or kind:act, each kind once, separated by commas, such as"
            f" card:mask,iban:refuse; kinds are {kinds}; acts are {known}"
        )

    @classmethod
    def checked(cls, text: str) -> str:
        """`text` itself, once it can be read."""
        cls.read(text)
        return text


Acts = Annotated[str, AfterValidator(PersonalActs.checked)]


class GuardSettings(Configuration):
    """What may come in and go out, and what is written down about it."""

    title: ClassVar = "Guards"

    personal_data_in: Acts = "card:mask,iban:mask"
    """What becomes of personal data in a message, as kind:act. Kinds: `card`, `email`, `iban`, `ip`,
    `national_id` (Spanish DNI and NIE), `phone`. Acts: `pass`; `mask` (no model and no store sees
    it, a notice says so); `refuse` (422). Kinds left out pass; `none`: all do."""

    personal_data_out: Acts = (
        "card:refuse,email:refuse,iban:refuse,ip:refuse,national_id:refuse,phone:refuse"
    )
    """What becomes of personal data in a model's answer that neither the question nor a tool gave:
    `pass`, `mask`, or `refuse` (the answer is made from the data without the model)."""

    grounding_names: Literal["refuse", "observe", "off"] = "refuse"
    """What becomes of a model's answer with a name that neither question nor sources hold: asked again
    once, then the answer is made from the data without the model (`refuse`); counted only
    (`observe`, where true names are refused too often); or nothing (`off`)."""

    audit_content: bool = False
    """Write the question and the answer into the audit trail too, secrets redacted, and with them
    the kinds that PERSONAL_DATA_IN masks or refuses. Off, it says who asked which agents and what
    the guards decided."""
