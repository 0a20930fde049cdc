"""What an agent does where its owner says nothing: its name, its words, its answer without a model."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar, cast

from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from ..errors import ClarificationNeeded, ConfigurationError
from ..guards.tool_policy import ToolPolicy
from ..locale.locale import Locale
from ..prompts.language import LANGUAGES, Language, LanguageDetector, Translations, Words
from ..prompts.messages import Messages
from ..prompts.prompt import Prompt
from .tool_result import ToolCall, ToolResult

ValueT = TypeVar("ValueT")


class Derived(Generic[ValueT]):
    """A class attribute that is made from the class it is read on, until a subclass sets it."""

    def __init__(self, make: Callable[[Any], ValueT]) -> None:
        self._make = make

    def __get__(self, instance: object, owner: type) -> ValueT:
        return self._make(owner)

    @classmethod
    def by(cls, make: Callable[[Any], ValueT]) -> ValueT:
        """The attribute, for a type checker the value itself."""
        return cast("ValueT", cls(make))


class Translated(dict[Language, ValueT]):
    """What there is by language; for another one what is said in its place."""

    def __missing__(self, language: Language) -> ValueT:
        return Translations.pick(self, language)


class AgentWords:
    """Names, texts and keywords of an agent, from as little as its owner writes."""

    FOLDER_MODULE: Final = "agent"
    """The module of an agent that is a folder; the folder's name is its own."""

    KEYWORD_CHARS: Final = 3
    """Shorter words send no question anywhere."""

    @classmethod
    def place(cls, agent: type) -> str:
        """The file that an agent is in, below `src/app`: what messages name."""
        return "/".join(agent.__module__.split(".")[1:]) + ".py"

    @classmethod
    def name(cls, agent: type) -> str:
        """The name of its file, or of its folder."""
        *folders, file = agent.__module__.split(".")
        return folders[-1] if file == cls.FOLDER_MODULE and folders else file

    @staticmethod
    def by_language(value: Any) -> dict[Language, Any]:
        """`value` in every language: one for all, or those that a mapping has and its first for the others."""
        if not isinstance(value, Mapping):
            return dict.fromkeys(LANGUAGES, value)
        return Translated(value)

    @classmethod
    def phrases(cls, value: Any) -> Mapping[Language, Sequence[str]]:
        """Keywords in every language; a text has several, parted by commas."""
        texts = cls.by_language(value)
        for language, its in texts.items():
            if isinstance(its, str):
                texts[language] = tuple(filter(None, (" ".join(it.split()) for it in its.split(","))))
        return texts

    @classmethod
    def texts(cls, agent: type, field: str, value: Any) -> Mapping[Language, str]:
        """The text of `field` in every language.

        Raises:
            ConfigurationError: It is no text, or an empty one.
        """
        texts = cls.by_language(value) if value else {}
        if not texts or not all(isinstance(text, str) and text.strip() for text in texts.values()):
            remedy = 'write a text, or one per language: {"en": "...", "es": "..."}'
            raise ConfigurationError([f"{cls.place(agent)}: {agent.__name__}.{field} is {value!r}; {remedy}"])
        return texts

    @staticmethod
    def questions(value: Any) -> Mapping[Language, tuple[str, ...]]:
        """Examples in each language: those that a mapping has for it, or those of a row that are in it."""
        if isinstance(value, Mapping):
            return {language: tuple(value.get(language, ())) for language in LANGUAGES}
        detector = LanguageDetector(LANGUAGES[0])
        return {language: tuple(it for it in value if detector.detect(it) == language) for language in LANGUAGES}

    @classmethod
    def prompt(cls, agent: Any, value: Any) -> Prompt:
        """A prompt from a text, or from one in each language."""
        if isinstance(value, Prompt):
            return value
        return Prompt.literal(agent.name, cls.texts(agent, "prompt", value))

    @classmethod
    def keywords(cls, agent: Any) -> Mapping[Language, tuple[str, ...]]:
        """The telling words of its name and description."""
        return {language: tuple(cls._telling(agent, language)) for language in LANGUAGES}

    @classmethod
    def _telling(cls, agent: Any, language: Language) -> list[str]:
        locales = [Locale.load(it) for it in LANGUAGES]
        idle = frozenset().union(*(it.common_words | it.describing_words for it in locales))
        text = f"{agent.name.replace('_', ' ')} {agent.description[language]}"
        words = re.findall(r"[^\W_]+", text.lower())
        return [
            word
            for word in dict.fromkeys(words)
            if len(word) >= cls.KEYWORD_CHARS and Words.strip_accents(word) not in idle
        ]


class AnswerWithoutModel:
    """The answer of an agent that says nothing about one: a tool asked with the question, its facts as a list."""

    MAX_LINES: Final = 40
    """Of one answer; a longer list is cut. A guess."""

    MORE: Final = "…"

    @classmethod
    def plan(
        cls,
        tools: Sequence[BaseTool],
        rights: ToolPolicy,
        question: str,
        about: str,
        language: Language,
        *,
        is_open: bool,
    ) -> Sequence[ToolCall]:
        """The first tool that reads and takes one text, asked with the question; else one that takes nothing.

        Raises:
            ClarificationNeeded: There is neither.
        """
        reading = [tool for tool in tools if rights.allows(tool.name) and not rights.writes(tool.name)]
        arguments = {tool.name: cls._arguments(tool) for tool in reading}
        for name, (properties, required) in arguments.items():
            wanted = required or [*properties]
            if len(wanted) == 1 and properties[wanted[0]].get("type") == "string":
                return [ToolCall(name, {wanted[0]: question})]
        for name, (properties, _) in arguments.items():
            if not properties:
                return [ToolCall(name)]
        if is_open:
            raise ClarificationNeeded(Messages.NEEDS_MODEL.format(language))
        raise ClarificationNeeded(Messages.DETAIL.format(language, about=about))

    @staticmethod
    def _arguments(tool: BaseTool) -> tuple[Mapping[str, Any], Sequence[str]]:
        """Its arguments as JSON schema, and those that it must have."""
        schema = convert_to_openai_tool(tool)["function"]["parameters"]
        return schema.get("properties", {}), schema.get("required", ())

    @classmethod
    def render(cls, findings: Sequence[ToolResult], language: Language) -> str:
        """Each fact as a line, then the titles of the sources."""
        lines = [line for finding in findings for line in cls._lines(finding.facts, ())]
        if not lines:
            return Messages.NOTHING.format(language)
        if len(lines) > cls.MAX_LINES:
            lines = [*lines[: cls.MAX_LINES], cls.MORE]
        titles = dict.fromkeys(source["title"] for finding in findings for source in finding.sources)
        return "\n".join([*lines, f"({', '.join(titles)})"] if titles else lines)

    @classmethod
    def _lines(cls, value: Any, path: tuple[str, ...]) -> Iterator[str]:
        if isinstance(value, Mapping):
            for name, inner in value.items():
                plain = str(name).replace("_", " ")
                yield from cls._lines(inner, path if name == ToolResult.RESULT else (*path, plain))
        elif isinstance(value, list | tuple) and any(isinstance(it, Mapping | list | tuple) for it in value):
            for inner in value:
                yield from cls._lines(inner, path)
        elif isinstance(value, list | tuple):
            if value:
                yield from cls._lines(", ".join(map(str, value)), path)
        elif value is not None and value != "":
            yield f"{' '.join(path)}: {value}" if path else str(value)
