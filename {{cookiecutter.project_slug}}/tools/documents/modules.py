"""The map of the modules: every file of `src/app` with the first sentence of its docstring."""

from collections.abc import Iterator, Sequence
from typing import Final

from .package import Module, Package

HEAD: Final = """\
# Modules

Every module of `src/app/` with what it gives and its classes, written by `nox -s generate` from the docstrings.
[Architecture](architecture.md) says how they work together, [C4 diagrams](c4.md) show it.
"""


class ModuleMap:
    """The page `docs/modules.md`."""

    def __init__(self, package: Package) -> None:
        """The map of `package`."""
        self._package = package

    def lines(self) -> Iterator[str]:
        """The whole page."""
        yield from HEAD.splitlines()
        single = [module for module in self._package.modules if len(module.parts) < 2]
        files = [module for module in single if not module.path.endswith("/__init__.py")]
        yield from ("", "## The package itself", "", *self._table(files))
        for room, modules in self._package.rooms().items():
            if len(modules) > 1:
                yield from ("", f"## {room}", "", *self._table(modules))

    @staticmethod
    def _table(modules: Sequence[Module]) -> Iterator[str]:
        yield from ("| module | what it gives | classes |", "|---|---|---|")
        for module in modules:
            classes = ", ".join(f"`{name}`" for name in module.classes)
            about = module.about.replace("|", "\\|")
            yield f"| `{module.path}` | {about} | {classes} |"
