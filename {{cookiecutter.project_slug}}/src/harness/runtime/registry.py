"""Finds the agents of a package: every folder with an `agent.py` that holds one `Agent` class."""

import importlib
import importlib.util
import pkgutil
from collections.abc import Iterator, Sequence
from typing import Any, Final

from ..errors import ConfigurationError
from .agent import Agent


class Registry:
    """Finds the agents of a package, and names what is wrong with a folder."""

    REQUIRED: Final = ("description", "keywords", "examples", "prompt", "settings_class")

    def __init__(self, package: str, paths: Sequence[str]) -> None:
        """Look into the folders of `package` in `paths`, its `__path__`."""
        self._package = package
        self._paths = paths

    def find(self) -> tuple[type[Agent[Any]], ...]:
        """The agents, sorted by name.

        Raises:
            ConfigurationError: An agent's folder does not fulfil the contract.
        """
        agents = []
        for folder in self._folders():
            module = importlib.import_module(f"{self._package}.{folder}.agent")
            classes = [
                value
                for value in vars(module).values()
                if isinstance(value, type) and issubclass(value, Agent) and value.__module__ == module.__name__
            ]
            if problem := self._problem(folder, classes):
                raise ConfigurationError([f"agents/{folder}/agent.py: {problem}"])
            agents += classes
        return tuple(agents)

    def _folders(self) -> Iterator[str]:
        """Sub-packages with an agent; other folders may hold what agents share."""
        for module in sorted(pkgutil.iter_modules(self._paths), key=lambda module: module.name):
            name = f"{self._package}.{module.name}"
            if module.ispkg and importlib.util.find_spec(f"{name}.agent"):
                yield module.name

    def _problem(self, folder: str, classes: Sequence[type[Agent[Any]]]) -> str:
        """What is wrong; empty when nothing is."""
        if len(classes) != 1:
            names = ", ".join(agent.__name__ for agent in classes) or "none"
            return f"one class derived from Agent is expected, found: {names}"
        agent = classes[0]
        name = getattr(agent, "name", None)
        if name != folder:
            return f"{agent.__name__}.name is {name!r}, it must be {folder!r} like its folder"
        missing = [field for field in self.REQUIRED if not hasattr(agent, field)]
        return f"{agent.__name__} lacks {', '.join(missing)}" if missing else ""
