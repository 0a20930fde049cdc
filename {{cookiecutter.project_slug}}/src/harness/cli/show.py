"""`settings`: every setting with its value, or the pages that are generated from them."""

import sys
from collections.abc import Mapping
from typing import Final

from pydantic_settings import (
    DotEnvSettingsSource,
    EnvSettingsSource,
    SecretsSettingsSource,
)
from rich.console import Console
from rich.table import Column, Table

from ..application import Application
from ..project import Project
from ..settings import Configuration
from ..telemetry.redaction import MASK, Redactor
from .settings_reference import EnvPage, MarkdownPage, SettingDoc, SettingsReference


class Origins:
    """Where the values of one settings class come from."""

    def __init__(self, owner: type[Configuration]) -> None:
        folder = owner.secrets_dir if owner.secrets_dir.is_dir() else None
        self._sources: Mapping[str, Mapping[str, object]] = {
            "environment": EnvSettingsSource(owner)(),
            ".env": DotEnvSettingsSource(owner, env_file=owner.env_file)(),
            "secret file": SecretsSettingsSource(owner, folder)() if folder else {},
        }

    def source(self, field: str) -> str:
        """The source of one value: the first that has it wins."""
        having = (name for name, values in self._sources.items() if field in values)
        return next(having, "default")


class Show:
    """The settings in one of three formats. Values of secrets are never shown."""

    FORMATS: Final = ("table", "env", "markdown")

    def __init__(self, form: str) -> None:
        """Show as `form`, one of `FORMATS`."""
        self._form = form
        self._catalogue = SettingsReference(Application.load().agents, Project.load().llm_provider)

    def run(self) -> int:
        """Print it; the exit code.

        Raises:
            ConfigurationError: The table was asked for, and a value is wrong.
        """
        if self._form == "table":
            Console(markup=False, highlight=False, soft_wrap=True).print(self._table())
        else:
            page = EnvPage if self._form == "env" else MarkdownPage
            # As bytes: a generated file has the same ones on every platform.
            sys.stdout.buffer.write(self._page(page).encode())
            sys.stdout.flush()
        return 0

    def _page(self, page: type[EnvPage | MarkdownPage]) -> str:
        lines = [line for section in self._catalogue.sections() for line in page.lines(section)]
        return "\n".join([*page.HEAD, *lines]) + "\n"

    def _table(self) -> Table:
        table = Table("Setting", Column("Value", overflow="fold"), "From")
        for section in self._catalogue.sections():
            settings, origins = section.owner(), Origins(section.owner)
            table.add_section()
            for knob in section.knobs:
                value = getattr(settings, knob.field)
                table.add_row(knob.variable, self._shown(knob, value), origins.source(knob.field))
        return table

    @staticmethod
    def _shown(knob: SettingDoc, value: object) -> str:
        if knob.is_secret:
            return MASK if value else ""
        return Redactor().text(SettingDoc.typed(value))  # an address may hold a password
