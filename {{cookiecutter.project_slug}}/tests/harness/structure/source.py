"""The package as syntax trees, read once, for the checks in this folder. Nothing is imported."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from textwrap import dedent

PROJECT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True)
class Fault:
    """One place that breaks a rule, and the way out."""

    place: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.place}: {self.problem}; {self.remedy}"


class Module:
    """One file of the package."""

    def __init__(self, package: Path, file: Path) -> None:
        self.file = file
        self.place = file.relative_to(package.parent.parent).as_posix()
        parts = file.relative_to(package).with_suffix("").parts
        self.is_package = parts[-1] == "__init__"
        self.parts: tuple[str, ...] = parts[:-1] if self.is_package else parts
        """`limits/quota.py` -> `("limits", "quota")`; empty for the package itself."""
        self.lines = file.read_text(encoding="utf-8").splitlines()
        self.tree = ast.parse("\n".join(self.lines))

    @property
    def name(self) -> str:
        """`limits.quota`, as one would import it from inside the package."""
        return ".".join(self.parts)

    @cached_property
    def nodes(self) -> Sequence[ast.AST]:
        """Every node of the tree, docstrings left out: they explain, they do nothing."""
        docstrings = {id(text) for text in self._explanations()}
        return [node for node in ast.walk(self.tree) if id(node) not in docstrings]

    def _explanations(self) -> Iterator[ast.Constant]:
        """Strings that stand alone: docstrings and the strings under a name."""
        for node in ast.walk(self.tree):
            match node:
                case ast.Expr(value=ast.Constant(value=str()) as text):
                    yield text

    def fault(self, node: ast.AST, problem: str, remedy: str) -> Fault:
        """A fault at the line of `node`."""
        return Fault(f"{self.place}:{getattr(node, 'lineno', 1)}", problem, remedy)

    def is_in(self, *rooms: str) -> bool:
        """True for a module of one of these rooms, such as `prompts` or `llm`."""
        return bool(self.parts) and self.parts[0] in rooms

    @property
    def is_settings(self) -> bool:
        """True for the settings' room and for an agent's own settings."""
        return self.is_in("settings") or self.parts[-1:] == ("settings",)

    @property
    def is_prompt(self) -> bool:
        """True for the prompts' room and for an agent's own prompt."""
        return self.is_in("prompts") or (self.is_in("agents") and self.parts[-1] == "prompt")


class Package:
    """All modules of a package, by name."""

    def __init__(self, root: Path) -> None:
        self.root = root
        files = sorted(root.rglob("*.py"))
        self.modules: Mapping[str, Module] = {
            module.name: module for module in (Module(root, file) for file in files)
        }

    @classmethod
    def ours(cls) -> "Package":
        """The service itself."""
        return cls(PROJECT / "src" / "harness")

    @classmethod
    def planted(cls, folder: Path, files: Mapping[str, str]) -> "Package":
        """A small package with these files in `folder`/src/app, to see a check find its fault."""
        root = folder / "src" / "app"
        for name, text in files.items():
            file = root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(dedent(text), encoding="utf-8")
        return cls(root)

    def __iter__(self) -> Iterator[Module]:
        return iter(self.modules.values())

    def imports(self, module: Module) -> Iterator[tuple[ast.stmt, str]]:
        """What a module imports from this package, as names inside it: `..limits.quota`, `app.x`."""
        for node in module.nodes:
            match node:
                case ast.ImportFrom(module=name, names=aliases, level=level):
                    base = self._base(module, name or "", level)
                    if base is not None:
                        yield from ((node, self._target(base, alias.name)) for alias in aliases)
                case ast.Import(names=aliases):
                    for alias in aliases:
                        if alias.name.startswith("app."):
                            yield node, alias.name.removeprefix("app.")

    @staticmethod
    def _base(module: Module, name: str, level: int) -> tuple[str, ...] | None:
        """Where an import starts, inside the package; None when it leaves the package."""
        named = tuple(filter(None, name.split(".")))
        if level == 0:
            return named[1:] if named[:1] == ("app",) else None
        up = level - 1 if module.is_package else level
        return module.parts[: len(module.parts) - up] + named

    def _target(self, base: tuple[str, ...], name: str) -> str:
        """`from .limits import quota` means the module when there is one, else what it holds."""
        inner = ".".join((*base, name))
        return inner if inner in self.modules else ".".join(base) or name
