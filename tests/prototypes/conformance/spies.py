"""The prototype's own functions, watched where they are defined: whoever calls one, it is seen."""

import inspect
import threading
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any


class Spies:
    """Notes each call of a tool's function, and may have it do something else."""

    def __init__(self, module: ModuleType, names: tuple[str, ...]) -> None:
        self.ran: list[tuple[str, dict[str, Any]]] = []
        """Name and arguments of each call that has begun."""
        self.instead: dict[str, Callable[..., Any]] = {}
        """What a function does in place of its own code."""
        self.seen: Callable[[], None] = lambda: None
        """Called when one begins."""
        self.released = threading.Event()
        """Ends every call that hangs."""
        found = {name: getattr(module, name) for name in names}
        self._functions: dict[str, FunctionType] = {name: getattr(it, "func", it) for name, it in found.items()}
        self._before = {name: it.__code__ for name, it in self._functions.items()}
        for name, function in self._functions.items():
            self._watch(name, function)

    def _watch(self, name: str, function: FunctionType) -> None:
        """Exchange its code alone: tools that were made of the function before have the new one, too."""
        original = FunctionType(function.__code__, function.__globals__, name, function.__defaults__)

        def noted(**given: Any) -> Any:
            self.ran.append((name, given))
            self.seen()
            return self.instead.get(name, original)(**given)

        taken = ", ".join(inspect.signature(function).parameters)
        function.__globals__[f"_noted_{name}"] = noted
        made: dict[str, Any] = {}
        exec(f"def {name}({taken}): return _noted_{name}(**locals())", made)  # its own name and parameters
        function.__code__ = made[name].__code__

    def hang(self, name: str, seconds: float) -> None:
        """Have it block its thread, until the test ends or for so long."""

        def blocked(**_: Any) -> str:
            self.released.wait(seconds)
            return "late"

        self.instead[name] = blocked

    def restore(self) -> None:
        """Give the functions their own code back."""
        for name, function in self._functions.items():
            function.__code__ = self._before[name]
