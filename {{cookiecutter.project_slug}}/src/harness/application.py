"""What an owner brings to the harness, and how a process finds it."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from .runtime.agent import Agent
from .settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI


@dataclass(frozen=True, slots=True)
class Application:
    """One service: the owner's parts, made into an application by `create_app`."""

    MODULE: ClassVar = "app.main"
    FACTORY: ClassVar = f"{MODULE}:create_app"
    """What a server process imports."""

    agents: Sequence[type[Agent[Any]]]
    """Its agents, in the order in which they are listed."""

    @classmethod
    def load(cls) -> "Application":
        """The application of this service: `application` in `src/app/main.py`."""
        application: Application = import_module(cls.MODULE).application
        return application

    def create_app(self, settings: Settings | None = None) -> "FastAPI":
        """The service over HTTP, with `settings` from the environment unless given.

        Raises:
            ConfigurationError: A setting is wrong. When the server starts: the store cannot be opened, a
                model or an agent cannot be built.
        """
        from .http.app import create_app  # noqa: PLC0415  # the command line needs no server

        return create_app(settings, self.agents)
