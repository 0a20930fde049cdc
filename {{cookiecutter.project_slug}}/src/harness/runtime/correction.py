"""The message that asks a model once more, saying what was wrong with its answer."""

from collections.abc import Sequence
from typing import Final

from langchain_core.messages import HumanMessage

from ..guards.output import OutputGuard
from ..prompts.correction import LANGUAGE, UNGROUNDED
from ..prompts.language import Language


class Correction:
    """Names what nothing supports: a model that knows it leaves it out more often than not."""

    MOST_NAMED: Final = 10
    """Figures and names that are told; more would be another answer. A guess."""

    @classmethod
    def message(cls, refusal: str, unsupported: Sequence[str], language: Language) -> HumanMessage:
        """The message for a text that was refused as `language` or `ungrounded`."""
        if refusal == OutputGuard.LANGUAGE:
            return HumanMessage(LANGUAGE.render(language))
        named = ", ".join(unsupported[: cls.MOST_NAMED])
        return HumanMessage(UNGROUNDED.render(language, unsupported=named))
