"""Finds the agents of a package."""

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any, Final

from ..errors import ConfigurationError
from .agent import Agent
from .agent_defaults import AgentWords


class Registry:
    """Finds the agents of a package, and names what is wrong with a file."""

    REQUIRED: Final = ("description", "prompt")

    def __init__(self, package: str, paths: Sequence[str]) -> None:
        """Look into the folders of `package` in `paths`, its `__path__`."""
        self._package = package
        self._paths = paths

    def find(self) -> tuple[type[Agent[Any]], ...]:
        """The agents, sorted by name.

        Raises:
            ConfigurationError: An agent does not fulfil the contract.
        """
        agents = []
        for name, file in self._modules():
            module = importlib.import_module(f"{self._package}.{file}")
            classes = [it for it in vars(module).values() if self._is_made_in(module, it)]
            if file == name and not classes:
                continue  # what agents share
            if problem := self._problem(name, "file" if file == name else "folder", classes):
                place = file.replace(".", "/")
                raise ConfigurationError([f"agents/{place}.py: {problem}"])
            agents += classes
        return tuple(agents)

    def _modules(self) -> Iterator[tuple[str, str]]:
        """Name and module of what may be an agent; other folders may hold what agents share."""
        for module in sorted(pkgutil.iter_modules(self._paths), key=lambda module: module.name):
            file = f"{module.name}.{AgentWords.FOLDER_MODULE}"
            if not module.ispkg:
                yield module.name, module.name
            elif importlib.util.find_spec(f"{self._package}.{file}"):
                yield module.name, file

    @staticmethod
    def _is_made_in(module: ModuleType, value: object) -> bool:
        """True for a class of an agent that is written in `module`, or made there by a function."""
        if not (isinstance(value, type) and issubclass(value, Agent)):
            return False
        home = sys.modules.get(value.__module__)
        return home is module or getattr(home, value.__name__, None) is not value

    def _problem(self, name: str, kind: str, classes: Sequence[type[Agent[Any]]]) -> str:
        """What is wrong; empty when nothing is."""
        if len(classes) != 1:
            names = ", ".join(agent.__name__ for agent in classes) or "none"
            return f"one class derived from Agent is expected, found: {names}"
        agent = classes[0]
        if agent.name != name:
            return f"{agent.__name__}.name is {agent.name!r}, it must be {name!r} like its {kind}; or leave it out"
        missing = [field for field in self.REQUIRED if not hasattr(agent, field)]
        return f"{agent.__name__} lacks {', '.join(missing)}" if missing else ""
