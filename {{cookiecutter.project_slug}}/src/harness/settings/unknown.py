"""Names of settings that nobody reads: a warning, since a file or an environment may serve others too."""

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

    def warnings(self) -> Iterator[str]:
        """One line for each name in `.env` that is no setting, and for each variable that is almost one."""
        source = DotEnvSettingsSource(Configuration, env_file=Configuration.env_file)
        in_file = [name.upper() for name in source.env_vars]
        for name in sorted({*in_file, *map(str.upper, os.environ)} - {*self._known, *READ_BESIDE}):
            if name.startswith(READ_ELSEWHERE):
                continue
            close = get_close_matches(name, self._known, 1, CLOSE)
            if close or name in in_file:
                yield f"{name} is no setting" + (f"; did you mean {close[0]}?" if close else "")
