"""Names of settings that nobody reads: refused in `.env` where a setting is almost called so, else a warning."""

import os
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Final

from pydantic_settings import DotEnvSettingsSource

from ..configuration import Configuration

CLOSE: Final = 0.85
"""How alike a variable and a setting are, of 1, to be taken for a misspelling; a guess."""

READ_ELSEWHERE: Final = ("LANGSMITH_", "LANGCHAIN_", "OTEL_", "OPENAI_", "ANTHROPIC_", "AWS_", "OLLAMA_", "UV_")
"""What the libraries and tools read themselves."""

READ_BESIDE: Final = ("IMAGE", "TAG", "API_KEY", "ELASTIC_VERSION")
"""What compose.yaml and the command line read."""


class UnknownNames:
    """Held against the settings of the service and of its agents."""

    def __init__(self, owners: Iterable[type[Configuration]]) -> None:
        self._known = [it.variable(field) for it in owners for field in it.model_fields]

    def misspelt(self) -> Iterator[str]:
        """One line for each name in `.env` that is almost a setting: it would be ignored."""
        for name in sorted(self._in_file()):
            if close := self._close(name):
                yield f"{name} in .env is no setting; did you mean {close}?"

    def warnings(self) -> Iterator[str]:
        """One line for each other name in `.env`, and for each variable that is almost one: they may be others'."""
        for name in sorted(self._in_file()):
            if not self._close(name):
                yield f"{name} in .env is no setting"
        for name in sorted(self._unknown(os.environ) - self._in_file()):
            if close := self._close(name):
                yield f"{name} is no setting; did you mean {close}?"

    def _in_file(self) -> set[str]:
        return self._unknown(DotEnvSettingsSource(Configuration, env_file=Configuration.env_file).env_vars)

    def _unknown(self, names: Iterable[str]) -> set[str]:
        unknown = {name.upper() for name in names} - {*self._known, *READ_BESIDE}
        return {name for name in unknown if not name.startswith(READ_ELSEWHERE)}

    def _close(self, name: str) -> str | None:
        return next(iter(get_close_matches(name, self._known, 1, CLOSE)), None)
