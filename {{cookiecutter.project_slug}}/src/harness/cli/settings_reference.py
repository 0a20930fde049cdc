"""Every setting of the service and of its agents, as data for people and for generated pages."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import orjson
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from ..runtime.agent import Agent
from ..settings import MODEL_EXAMPLES, Configuration, Settings


@dataclass(frozen=True, slots=True)
class SettingDoc:
    """One setting as its operator types it."""

    field: str
    variable: str
    about: str
    default: str
    """As one types it; empty: none."""
    allowed: str
    """The choices or bounds in words; empty: any text."""
    is_secret: bool
    example: str = ""

    @classmethod
    def from_field(cls, owner: type[Configuration], name: str, example: str = "") -> "SettingDoc":
        """The knob of one field."""
        field = owner.model_fields[name]
        kinds = cls._kinds(field)
        return cls(
            field=name,
            variable=owner.variable(name),
            about=" ".join((field.description or "").split()),
            default=cls.typed(field.get_default(call_default_factory=True)),
            allowed=cls._allowed(kinds, field),
            is_secret=SecretStr in kinds,
            example=example,
        )

    @staticmethod
    def typed(value: Any) -> str:
        """A value as one types it into the environment."""
        match value:
            case None | SecretStr():
                return ""
            case str():
                return value
            case bool() | list() | tuple() | set() | frozenset() | dict():
                return orjson.dumps(value, default=list).decode()
            case Path():
                return value.as_posix()
            case float():
                return f"{value:g}"
        return str(value)

    @staticmethod
    def _kinds(field: FieldInfo) -> list[Any]:
        kind = field.annotation
        kinds = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
        return [each for each in kinds if each is not NoneType]

    @staticmethod
    def _allowed(kinds: Sequence[Any], field: FieldInfo) -> str:
        if get_origin(kinds[0]) is Literal:
            return ", ".join(map(str, get_args(kinds[0])))
        if kinds[0] is bool:
            return "true, false"
        signs = {"ge": "from", "gt": "above", "le": "to", "lt": "below"}
        bounds = [
            f"{word} {getattr(rule, sign)}"
            for rule in field.metadata
            for sign, word in signs.items()
            if getattr(rule, sign, None) is not None
        ]
        return " ".join(bounds)


@dataclass(frozen=True, slots=True)
class Section:
    """The settings of one subject, or of one agent."""

    owner: type[Configuration]
    title: str
    knobs: Sequence[SettingDoc]


class SettingsReference:
    """The service's own subjects first, then one section for each agent that has settings, by name."""

    def __init__(self, agents: Sequence[type[Agent[Any]]], provider: str) -> None:
        """Show a model of `provider` as example."""
        self._agents = sorted(agents, key=lambda agent: agent.name)
        self._examples = {"llm_model": MODEL_EXAMPLES.get(provider, "")}

    def sections(self) -> Iterator[Section]:
        """The sections in order."""
        for subject in Settings.SUBJECTS:
            yield self._section(subject, subject.title)
        for agent in self._agents:
            owner: type[Configuration] = agent.settings_class
            if owner.model_fields:
                yield self._section(owner, f"Agent {agent.name}")

    def _section(self, owner: type[Configuration], title: str) -> Section:
        knobs = [
            SettingDoc.from_field(owner, name, self._examples.get(name, ""))
            for name in owner.model_fields
        ]
        return Section(owner, title, knobs)


class EnvPage:
    """The text of `.env.example`."""

    HEAD = (
        "# Every setting with its default. Copy this file to .env; where you change a value, take",
        "# away the sign before it. Written by `nox -s generate` from the settings classes.",
    )

    @classmethod
    def lines(cls, section: Section) -> Iterator[str]:
        """The lines of one section, a blank line first."""
        yield from ("", f"# --- {section.title} ---")
        for knob in section.knobs:
            yield from ("", f"# {knob.about}")
            if knob.allowed:
                yield f"# Allowed: {knob.allowed}"
            yield f"# {knob.variable}={knob.default}"
            if knob.example:
                yield f"# {knob.variable}={knob.example}"


class MarkdownPage:
    """The text of `docs/configuration.md`."""

    HEAD = (
        "# Settings",
        "",
        "Every setting is an environment variable, a line in the file `.env`, or a file of that name",
        "in `/run/secrets`; the first of these that has it wins. A wrong value stops the start and is",
        "named. `python -m app settings` shows the values in force and where they come from.",
        "",
        "This page is written by `nox -s generate` from the settings classes.",
    )

    @classmethod
    def lines(cls, section: Section) -> Iterator[str]:
        """The lines of one section, a blank line first."""
        yield from ("", f"## {section.title}", "")
        yield from ("| Variable | Meaning | Default | Allowed |", "|---|---|---|---|")
        for knob in section.knobs:
            about = knob.about + (f" Example: `{knob.example}`." if knob.example else "")
            cells = (f"`{knob.variable}`", about, cls._code(knob.default), knob.allowed)
            yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    @staticmethod
    def _code(value: str) -> str:
        return f"`{value}`" if value else ""
