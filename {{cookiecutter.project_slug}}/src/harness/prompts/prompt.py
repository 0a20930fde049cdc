"""One prompt: a name and a version that logs and traces show, and its text per language."""

from dataclasses import dataclass
from string import Template

from .language import Language, Text


@dataclass(frozen=True, slots=True)
class Prompt:
    """A text for a model. Change the text, raise the version: answers are compared by it."""

    name: str
    version: str
    text: Text
    """Per language; `$name` marks a value that `render` fills in."""

    def render(self, language: Language, **values: str) -> str:
        """The text in `language` with every `$name` filled.

        Raises:
            KeyError: A value that the text names was not given.
        """
        return Template(self.text[language]).substitute(values)

    @property
    def metadata(self) -> dict[str, str]:
        """What a model call carries to logs and traces."""
        return {"prompt": self.name, "prompt_version": self.version}
