"""The sentences that the service says itself, without a model."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Final

from ..locale.locale import Locale
from .language import Language, Text, Translations


class LocalizedMessage:
    """A fixed sentence per language, with `$name` for what varies."""

    def __init__(self, **text: str) -> None:
        self.text: Text = text

    def format(self, language: Language, **values: object) -> str:
        """The sentence in `language`, or else in the configured one, every `$name` filled."""
        return Template(Translations.pick(self.text, language)).substitute(values)


_FILE: Final = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
_SENTENCES: Final = {
    name: LocalizedMessage(**text, **Locale.owners(name, "messages")) for name, text in _FILE.items() if name != "kinds"
}


class Messages:
    """Every fixed sentence; their texts are in messages.toml."""

    CLARIFY: Final = _SENTENCES["clarify"]
    DETAIL: Final = _SENTENCES["detail"]
    NEEDS_MODEL: Final = _SENTENCES["needs_model"]
    NOTHING: Final = _SENTENCES["nothing"]
    DECLINE: Final = _SENTENCES["decline"]
    REFUSED: Final = _SENTENCES["refused"]
    WITHHELD: Final = _SENTENCES["withheld"]
    TOO_MANY: Final = _SENTENCES["too_many"]
    MISSING: Final = _SENTENCES["missing"]
    TOO_LATE: Final = _SENTENCES["too_late"]
    UNAVAILABLE: Final = _SENTENCES["unavailable"]
    STALE: Final = _SENTENCES["stale"]
    EMBEDDED: Final = _SENTENCES["embedded"]
    EMBEDDED_ONLY: Final = _SENTENCES["embedded_only"]
    DISABLED: Final = _SENTENCES["disabled"]
    SAMPLE_DATA: Final = _SENTENCES["sample_data"]
    MASKED: Final = _SENTENCES["masked"]
    NOT_SAVED: Final = _SENTENCES["not_saved"]
    WAITING: Final = _SENTENCES["waiting"]
    REJECTED: Final = _SENTENCES["rejected"]
    DONE: Final = _SENTENCES["done"]
    NOT_DONE: Final = _SENTENCES["not_done"]
    UNCONFIRMED: Final = _SENTENCES["unconfirmed"]
    UNRESOLVED: Final = _SENTENCES["unresolved"]
    WITHDRAWN: Final = _SENTENCES["withdrawn"]
    KINDS: Final[Mapping[str, Text]] = {k: {**text, **Locale.owners(k, "kinds")} for k, text in _FILE["kinds"].items()}

    @classmethod
    def kinds(cls, names: Sequence[str], language: Language) -> str:
        """Kinds of personal data in a row, as people call them."""
        return ", ".join(Translations.pick(cls.KINDS[name], language) for name in names)

    @staticmethod
    def bullets(descriptions: Sequence[Text], language: Language) -> str:
        """One line for each description."""
        return "\n".join(f"- {Translations.pick(text, language)}" for text in descriptions)
