"""The service's modules as their files tell them: name, first sentence, classes, imports."""

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

PROJECT: Final = Path(__file__).resolve().parents[2]
SOURCE: Final = PROJECT / "src" / "app"


class Unnamed(Exception):
    """A module says nothing about itself; the text names the file."""


@dataclass(frozen=True, slots=True)
class Module:
    """One file of `src/app`."""

    parts: tuple[str, ...]
    """`limits/quotas.py` -> `("limits", "quotas")`; a package's own file has the package's."""

    path: str
    """Below `src/app`, with slashes."""

    about: str
    """The first line of its docstring."""

    classes: tuple[str, ...]
    """Its public classes, in the order of the file."""

    imports: tuple[tuple[str, ...], ...]
    """What it imports from this package, as `parts`; names inside modules are left at the end."""

    @property
    def room(self) -> str:
        """The folder or file directly below `src/app`; empty for the package itself."""
        return self.parts[0] if self.parts else ""

    @classmethod
    def read(cls, root: Path, file: Path) -> Self:
        """Read one file below `root`.

        Raises:
            Unnamed: It has no docstring.
        """
        relative = file.relative_to(root)
        parts = relative.with_suffix("").parts
        is_package = parts[-1] == "__init__"
        parts = parts[:-1] if is_package else parts
        tree = ast.parse(file.read_text(encoding="utf-8"))
        about = (ast.get_docstring(tree) or "").strip().partition("\n")[0]
        if not about:
            raise Unnamed(f"src/app/{relative.as_posix()} has no docstring: say what it gives")
        classes = [
            node.name
            for node in tree.body
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
        ]
        base = parts if is_package else parts[:-1]
        imports = sorted(set(cls._imports(tree, base)))
        return cls(parts, relative.as_posix(), about, tuple(classes), tuple(imports))

    @staticmethod
    def _imports(tree: ast.Module, base: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        for node in ast.walk(tree):
            match node:
                case ast.ImportFrom(module=name, names=aliases, level=level):
                    named = tuple(filter(None, (name or "").split(".")))
                    if level:
                        start = base[: len(base) - level + 1] + named
                    elif named[:1] == ("app",):
                        start = named[1:]
                    else:
                        continue
                    yield from ((*start, alias.name) for alias in aliases)
                case ast.Import(names=aliases):
                    for alias in aliases:
                        if alias.name.startswith("app."):
                            yield tuple(alias.name.split("."))[1:]


class Package:
    """All modules of the service."""

    def __init__(self, modules: Collection[Module]) -> None:
        """These modules, sorted by their paths."""
        self.modules = sorted(modules, key=lambda module: module.path)

    @classmethod
    def read(cls, root: Path = SOURCE, without: Collection[str] = ()) -> Self:
        """The modules below `root`; those in the folders `without` are left out.

        Raises:
            Unnamed: A module has no docstring.
        """
        files = [
            file
            for file in root.rglob("*.py")
            if not any(
                file.relative_to(root).as_posix().startswith(f"{folder}/") for folder in without
            )
        ]
        return cls([Module.read(root, file) for file in files])

    def rooms(self) -> Mapping[str, list[Module]]:
        """Room -> its modules; the package's own files are left out."""
        rooms: dict[str, list[Module]] = {}
        for module in self.modules:
            if module.room and not module.room.startswith("__"):
                rooms.setdefault(module.room, []).append(module)
        return dict(sorted(rooms.items()))

    def room_imports(self) -> Mapping[str, set[str]]:
        """Room -> the other rooms that one of its modules imports."""
        rooms = self.rooms()
        return {
            room: {
                target[0]
                for module in modules
                for target in module.imports
                if target and target[0] in rooms and target[0] != room
            }
            for room, modules in rooms.items()
        }
