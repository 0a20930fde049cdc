"""Words that an owner puts in place of the harness's own: checked at the start, in force until the end."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from string import Template

from ..errors import ConfigurationError
from .language import Text
from .messages import LocalizedMessage, Messages
from .prompt import Prompt
from .shared import JUDGE, PLANNER, REPAIR, SUPERVISOR, UNGROUNDED, WRITER, WRONG_LANGUAGE


class Overrides:
    """Sentences by their name in `Messages`, and prompts by their `name`."""

    PROMPTS = (PLANNER, REPAIR, SUPERVISOR, WRITER, JUDGE, UNGROUNDED, WRONG_LANGUAGE)

    def __init__(self, messages: Mapping[str, LocalizedMessage], prompts: Sequence[Prompt]) -> None:
        """Check what is to be said instead.

        Raises:
            ConfigurationError: There is nothing of this name, a language is missing, a text wants a
                `$value` that is not filled in, or a prompt has lost one or has the version of the harness's.
        """
        sentences = {k: v for k, v in vars(Messages).items() if isinstance(v, LocalizedMessage)}
        shared = {prompt.name: prompt for prompt in self.PROMPTS}
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
        if problems:
            raise ConfigurationError([f"src/app/prompts: {problem}" for problem in problems])

    @staticmethod
    def _problems(place: str, before: Text | None, text: Text, names: Mapping[str, object]) -> Iterator[str]:
        if before is None:
            yield f"{place} is no name of the harness's; there are {', '.join(sorted(names))}"
            return
        for language, words in before.items():
            if language not in text:
                yield f"{place} has no text for {language}"
                continue
            filled = {*Template(words).get_identifiers()}
            if not Template(text[language]).is_valid():
                yield f"{place} ({language}): a $ that names no value; write $$ for the sign"
            for name in {*Template(text[language]).get_identifiers()} - filled:
                yield f"{place} ({language}): ${name} is not filled in; there are {sorted(filled)}"

    @staticmethod
    def _lost(prompt: Prompt, shared: Prompt) -> Iterator[str]:
        """What a prompt of the harness's has that the one in its place has not."""
        if prompt.version == shared.version and prompt.text != shared.text:
            yield f"prompts: {prompt.name}: version {prompt.version} is the harness's own; give yours another"
        for language in shared.text.keys() & prompt.text.keys():
            told = Template(prompt.text[language]).get_identifiers()
            for name in {*Template(shared.text[language]).get_identifiers()} - {*told}:
                yield f"prompts: {prompt.name} ({language}): ${name} is missing; the model would not be told it"

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Say them while entered. For the whole process: one service lives in it."""
        pairs = [(old, new) for old, new in (*self._messages, *self._prompts) if old]
        fields = {LocalizedMessage: ("text",), Prompt: ("text", "version")}
        before = [(old, name, getattr(old, name)) for old, _ in pairs for name in fields[type(old)]]
        try:
            for old, new in pairs:
                for name in fields[type(old)]:
                    object.__setattr__(old, name, getattr(new, name))
            yield
        finally:
            for old, name, value in before:
                object.__setattr__(old, name, value)
