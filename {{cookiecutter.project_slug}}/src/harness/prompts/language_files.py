"""What the owner's files of languages say: checked at the start, which names what they leave out."""

from collections.abc import Iterator, Mapping
from string import Template
from typing import ClassVar, Final

import structlog

from ..locale.locale import Locale
from .language import LANGUAGES, Text
from .messages import LocalizedMessage, Messages
from .shared import (
    ANSWER_LANGUAGE,
    DECLINED,
    GROUNDING_JUDGE,
    JUDGE,
    PLANNER,
    REPAIR,
    SUPERVISOR,
    UNGROUNDED,
    WRITER,
    WRONG_LANGUAGE,
)

log = structlog.stdlib.get_logger(__name__)


class LanguageFiles:
    """The tables of `src/app/locale/*.toml` that hold texts."""

    PROMPTS: Final = (
        PLANNER,
        REPAIR,
        DECLINED,
        SUPERVISOR,
        WRITER,
        JUDGE,
        GROUNDING_JUDGE,
        ANSWER_LANGUAGE,
        UNGROUNDED,
        WRONG_LANGUAGE,
    )

    TEXTS: ClassVar[Mapping[str, Mapping[str, Text]]] = {
        "messages": {k.lower(): v.text for k, v in vars(Messages).items() if isinstance(v, LocalizedMessage)},
        "kinds": Messages.KINDS,
        "prompts": {prompt.name: prompt.text for prompt in PROMPTS},
    }
    """Table -> the names in it, and what each says so far."""

    @classmethod
    def problems(cls) -> Iterator[str]:
        """What is wrong with their texts."""
        for language in LANGUAGES:
            for table, texts in cls.TEXTS.items():
                for name, text in getattr(Locale.load(language), table).items():
                    place = f"src/app/locale/{language}.toml: {table}: {name}"
                    if name in texts:
                        yield from cls.unfilled(place, texts[name], text)
                    else:
                        yield f"{place} is no name of the harness's; there are {', '.join(sorted(texts))}"

    @staticmethod
    def unfilled(place: str, before: Text, text: str) -> Iterator[str]:
        """What `text`, in place of a shipped one, wants and is not given."""
        filled = {*Template(before[Locale.SHIPPED[0]]).get_identifiers()}
        if not Template(text).is_valid():
            yield f"{place}: a $ that names no value; write $$ for the sign"
        for name in {*Template(text).get_identifiers()} - filled:
            yield f"{place}: ${name} is not filled in; there are {sorted(filled)}"

    @classmethod
    def tell_missing(cls) -> None:
        """A line in the log for each language that lacks texts: there the configured one is spoken."""
        for language in LANGUAGES:
            named = ((f"{table}.{name}", text) for table, texts in cls.TEXTS.items() for name, text in texts.items())
            missing = [name for name, text in named if language not in text]
            instead = next(it for it in (Locale.configured, *LANGUAGES) if it != language)
            if missing:
                log.warning("language_incomplete", language=language, missing=missing, instead=instead)
