"""`settings`: every setting of the service, its endpoints, its owner and its agents, with values or as generated pages."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, ClassVar, Literal, Union, get_args, get_origin

import orjson
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import DotEnvSettingsSource, EnvSettingsSource, SecretsSettingsSource
from rich.console import Console
from rich.table import Column, Table

from ..application import Application
from ..errors import ConfigurationError
from ..models.model_config import ModelConfig
from ..project import Project
from ..settings import MODEL_EXAMPLES, Configuration, Settings
from ..telemetry.redaction import MASK, Redactor


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
        """The setting of one field."""
        field = owner.model_fields[name]
        kind = field.annotation
        kinds = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
        kinds = tuple(each for each in kinds if each is not NoneType)
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
    def _allowed(kinds: Sequence[Any], field: FieldInfo) -> str:
        if get_origin(kinds[0]) is Literal:
            return ", ".join(map(str, get_args(kinds[0])))
        if kinds[0] is bool:
            return "true, false"
        signs = {"ge": "from", "gt": "above", "le": "to", "lt": "below"}
        return " ".join(
            f"{word} {getattr(rule, sign)}"
            for rule in field.metadata
            for sign, word in signs.items()
            if getattr(rule, sign, None) is not None
        )

    def env_lines(self) -> Iterator[str]:
        """Its lines in `.env.example`, a blank line first."""
        yield from ("", f"# {self.about}")
        if self.allowed:
            yield f"# Allowed: {self.allowed}"
        for value in (self.default, *([self.example] if self.example else [])):
            yield f"# {self.variable}={value}"

    @property
    def markdown_row(self) -> str:
        """Its row in `docs/configuration.md`."""
        about = self.about + (f" Example: `{self.example}`." if self.example else "")
        default = f"`{self.default}`" if self.default else ""
        cells = (f"`{self.variable}`", about, default, self.allowed)
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


@dataclass(frozen=True, slots=True)
class Section:
    """The settings of one subject, of the service's owner, or of one agent."""

    owner: type[Configuration]
    title: str
    settings: Sequence[SettingDoc]


class SettingsReference:
    """The harness's subjects first, then each endpoint's settings, the owner's, and each agent's, by name."""

    ENV: ClassVar = (
        "# Every setting with its default. Copy this file to .env; where you change a value, take",
        "# away the sign before it. Written by `nox -s generate` from the settings classes.",
    )
    MARKDOWN: ClassVar = (
        "# Settings",
        "",
        "Every setting is an environment variable, a line in the file `.env`, or a file of that name",
        "in `/run/secrets`; the first of these that has it wins. A wrong value stops the start and is",
        "named. `.venv/bin/python -m app settings` shows the values in force and their origin.",
        "",
        "This page is written by `nox -s generate` from the settings classes.",
    )

    def __init__(self, application: Application, provider: str) -> None:
        """Show a model of `provider` as example."""
        self._application = application
        self._examples = {"llm_model": MODEL_EXAMPLES.get(provider, "")}

    def sections(self) -> Iterator[Section]:
        """The sections in order; defaults are those of the owner's class."""
        service = self._application.settings
        own = [name for name in service.model_fields if name not in Settings.model_fields]
        agents = sorted(self._application.agents, key=lambda agent: agent.name)
        sections: list[tuple[type[Configuration], str, Iterable[str]]] = [
            *((service, it.title, it.model_fields) for it in Settings.subjects()),
            *((it, f"Endpoint {name}", it.model_fields) for name, it in Settings.of_endpoints().items()),
            (service, service.title, own),
            *((it.settings_class, f"Agent {it.name}", it.settings_class.model_fields) for it in agents),
        ]
        for owner, title, fields in sections:
            docs = [SettingDoc.from_field(owner, it, self._examples.get(it, "")) for it in fields]
            if docs:
                yield Section(owner, title, docs)

    def env(self) -> str:
        """The text of `.env.example`."""
        lines = [*self.ENV]
        for section in self.sections():
            lines += ["", f"# --- {section.title} ---"]
            lines += [line for setting in section.settings for line in setting.env_lines()]
        return "\n".join(lines) + "\n"

    def markdown(self) -> str:
        """The text of `docs/configuration.md`."""
        lines = [*self.MARKDOWN]
        for section in self.sections():
            lines += ["", f"## {section.title}", ""]
            lines += ["| Variable | Meaning | Default | Allowed |", "|---|---|---|---|"]
            lines += [setting.markdown_row for setting in section.settings]
        return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class ShowSettings:
    """The settings in one of three formats. Values of secrets are never shown."""

    format: str
    """`table`, `env` or `markdown`."""

    def run(self) -> None:
        """Print it.

        Raises:
            ConfigurationError: The table is to be shown, and a value is wrong.
        """
        application = Application.load()
        reference = SettingsReference(application, Project.load().llm_provider)
        if self.format == "table":
            table = self._table(reference.sections())
            Console(markup=False, highlight=False, soft_wrap=True).print(table)
            self._check(application)
            return
        page = reference.env() if self.format == "env" else reference.markdown()
        # As bytes: a generated file has the same ones on every platform.
        sys.stdout.buffer.write(page.encode())
        sys.stdout.flush()

    @staticmethod
    def _check(application: Application) -> None:
        """Say which names are no settings, and refuse a model that the start would refuse."""
        sys.stderr.writelines(f"{problem}\n" for problem in application.unknown_settings())
        settings = application.settings()
        if not settings.disable_llm and (problems := [*ModelConfig(settings).problems()]):
            raise ConfigurationError(problems)

    def _table(self, sections: Iterable[Section]) -> Table:
        table = Table("Setting", Column("Value", overflow="fold"), "From")
        for section in sections:
            values, sources = section.owner(), self._sources(section.owner)
            table.add_section()
            for setting in section.settings:
                value = self._shown(setting, getattr(values, setting.field))
                having = (name for name, given in sources.items() if setting.field in given)
                table.add_row(setting.variable, value, next(having, "default"))
        return table

    @staticmethod
    def _sources(owner: type[Configuration]) -> Mapping[str, Mapping[str, object]]:
        """What each source of values has; the first wins."""
        folder = owner.secrets_dir if owner.secrets_dir.is_dir() else None
        return {
            "environment": EnvSettingsSource(owner)(),
            ".env": DotEnvSettingsSource(owner, env_file=owner.env_file)(),
            "secret file": SecretsSettingsSource(owner, folder)() if folder else {},
        }

    @staticmethod
    def _shown(setting: SettingDoc, value: object) -> str:
        if setting.is_secret:
            return MASK if value else ""
        return Redactor().text(SettingDoc.typed(value))  # an address may hold a password
