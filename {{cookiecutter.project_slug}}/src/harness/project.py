"""Who this service is: the answers given at generation and the installed version."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Project:
    """The identity that `project.json` carries from generation to the running service."""

    PACKAGE: ClassVar = "app"
    """The owner's package: `project.json` lies in it."""

    LANGUAGE: ClassVar = re.compile(r"[a-z]{2,3}(?:-[A-Z]{2})?")
    """`pt`, `pt-BR` (BCP 47)."""

    name: str
    """The distribution, the command and the service name in logs."""
    title: str
    """The name people read, in the API's description and on the command line."""
    description: str
    language: str
    """Language of default texts, where a question does not tell its own: `en`, `es`, or one in `src/app/locale`."""
    llm_provider: str
    """The provider that `.env.example` and the dependencies are prepared for."""
    repository_url: str

    @classmethod
    @cache
    def load(cls) -> "Project":
        """The identity of this installation, read once."""
        answers = json.loads(files(cls.PACKAGE).joinpath("project.json").read_bytes())
        if not cls.LANGUAGE.fullmatch(answers["language"]):  # the template's own tree, not yet rendered
            answers["language"] = "en"
        return cls(**answers)

    @property
    def version(self) -> str:
        """The installed distribution's version; `0.0.0` where it runs uninstalled."""
        try:
            return version(self.name)
        except PackageNotFoundError:
            return "0.0.0"


class Extra:
    """The packages that only some services need, and what to say where they are missing."""

    PACKAGES: ClassVar[Mapping[str, str]] = {
        "openai": "langchain-openai",
        "anthropic": "langchain-anthropic",
        "bedrock": "langchain-aws",
        "ollama": "langchain-ollama",
        "postgres": "langgraph-checkpoint-postgres psycopg[binary,pool]",
        "otel": "opentelemetry-sdk opentelemetry-exporter-otlp-proto-http",
        "redis": "redis",
        "mcp": "mcp",
    }
    """As `pyproject.toml` has them; by the name of the extra."""

    @classmethod
    def remedy(cls, name: str) -> str:
        """How to install the extra `name`."""
        packages = " and ".join(f'"{package}"' for package in cls.PACKAGES[name].split())
        return (
            f"install the extra [{name}]: add {packages} to `dependencies` in pyproject.toml; make lock; make install"
        )
