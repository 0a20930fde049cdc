"""`settings`: every setting with its value, or the pages that are generated from them."""

import sys
from collections.abc import Mapping

from pydantic_settings import DotEnvSettingsSource, EnvSettingsSource, SecretsSettingsSource
from rich.console import Console
from rich.table import Column, Table

from ..application import Application
from ..project import Project
from ..settings import Configuration
from ..telemetry.redaction import MASK, Redactor
from .settings_reference import SettingDoc, SettingsReference


class Show:
    """The settings in one of three formats. Values of secrets are never shown."""

    def __init__(self, form: str) -> None:
        """Show as `form`: `table`, `env` or `markdown`."""
        self._form = form
        self._reference = SettingsReference(Application.load(), Project.load().llm_provider)

    def run(self) -> int:
        """Print it; the exit code.

        Raises:
            ConfigurationError: The table was asked for, and a value is wrong.
        """
        if self._form == "table":
            Console(markup=False, highlight=False, soft_wrap=True).print(self._table())
        else:
            page = self._reference.env if self._form == "env" else self._reference.markdown
            # As bytes: a generated file has the same ones on every platform.
            sys.stdout.buffer.write(page().encode())
            sys.stdout.flush()
        return 0

    def _table(self) -> Table:
        table = Table("Setting", Column("Value", overflow="fold"), "From")
        for section in self._reference.sections():
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
