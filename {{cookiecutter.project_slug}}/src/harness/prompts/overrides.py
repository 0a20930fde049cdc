"""Words that an owner puts in place of the harness's own: checked at the start, in force until the end."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from string import Template

from ..errors import ConfigurationError
from ..locale.locale import Locale
from .language import Language, Text
from .language_files import LanguageFiles
from .messages import LocalizedMessage, Messages
from .prompt import Prompt


class Overrides:
    """Sentences by their name in `Messages`, and prompts by their `name`."""

    def __init__(self, messages: Mapping[str, LocalizedMessage], prompts: Sequence[Prompt]) -> None:
        """Check what is to be said instead.

        Raises:
            ConfigurationError: There is nothing of this name, a language is missing, a text wants a
                `$value` that is not filled in, or a prompt has lost one or has the version of the harness's.
        """
        sentences = {k: v for k, v in vars(Messages).items() if isinstance(v, LocalizedMessage)}
        shared = {prompt.name: prompt for prompt in LanguageFiles.PROMPTS}
        self._messages = [(sentences.get(name), text) for name, text in messages.items()]
        self._prompts = [(shared.get(prompt.name), prompt) for prompt in prompts]
        problems: list[str] = []
        for name, text in messages.items():
            before = sentences[name].text if name in sentences else None
            problems += self._problems(f"messages: {name}", before, text.text, sentences)
        for prompt in prompts:
            before = shared[prompt.name].text if prompt.name in shared else None
            problems += self._problems(f"prompts: {prompt.name}", before, prompt.text, shared)
            if before:
                problems += self._lost(prompt, shared[prompt.name])
        problems = [*(f"src/app/prompts: {problem}" for problem in problems), *LanguageFiles.problems()]
        if problems:
            raise ConfigurationError(problems)

    @staticmethod
    def _problems(place: str, before: Text | None, text: Text, names: Mapping[str, object]) -> Iterator[str]:
        if before is None:
            yield f"{place} is no name of the harness's; there are {', '.join(sorted(names))}"
            return
        for language in dict.fromkeys((*Locale.SHIPPED, *text)):
            if language in text:
                yield from LanguageFiles.unfilled(f"{place} ({language})", before, text[language])
            else:
                yield f"{place} has no text for {language}"

    @staticmethod
    def _lost(prompt: Prompt, shared: Prompt) -> Iterator[str]:
        """What a prompt of the harness's has that the one in its place has not."""
        if prompt.version == shared.version and prompt.text != shared.text:
            yield f"prompts: {prompt.name}: version {prompt.version} is the harness's own; give yours another"
        for language in shared.text.keys() & prompt.text.keys():
            told = Template(prompt.text[language]).get_identifiers()
            for name in {*Template(shared.text[language]).get_identifiers()} - {*told, "language"}:
                yield f"prompts: {prompt.name} ({language}): ${name} is missing; the model would not be told it"

    @contextmanager
    def applied(self, language: Language) -> Iterator[None]:
        """Say them while entered, and in `language` what another one lacks. For the whole process: one service."""
        pairs = [(old, new) for old, new in (*self._messages, *self._prompts) if old]
        fields = {LocalizedMessage: ("text",), Prompt: ("text", "version")}
        configured, Locale.configured = Locale.configured, language
        LanguageFiles.tell_missing()
        before = [(old, name, getattr(old, name)) for old, _ in pairs for name in fields[type(old)]]
        try:
            for old, new in pairs:
                for name in fields[type(old)]:
                    object.__setattr__(old, name, getattr(new, name))
            yield
        finally:
            Locale.configured = configured
            for old, name, value in before:
                object.__setattr__(old, name, value)
