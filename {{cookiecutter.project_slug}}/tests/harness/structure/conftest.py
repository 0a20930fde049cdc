"""The package as syntax trees, for the checks in this folder, and small packages with a planted fault. Nothing is imported."""

import ast
import gc
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from textwrap import dedent
from typing import Protocol

import pytest

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

    def is_in(self, *packages: str) -> bool:
        """True for a module of one of these packages, such as `prompts` or `models`."""
        return bool(self.parts) and self.parts[0] in packages

    @property
    def is_settings(self) -> bool:
        """True for the settings' package and for the own settings of an agent or an endpoint."""
        return self.is_in("settings") or self.parts[-1:] == ("settings",)

    @property
    def is_prompt(self) -> bool:
        """True for the prompts' package and for an agent's own prompt."""
        return self.is_in("prompts") or (self.is_in("agents") and self.parts[-1] == "prompt")


class Package:
    """All modules of a package, by name."""

    def __init__(self, root: Path) -> None:
        self.root = root
        files = sorted(root.rglob("*.py"))
        gc.disable()  # a finalizer that parses too, run inside of `ast.parse`, breaks it (SystemError, CPython 3.11)
        self.modules: Mapping[str, Module] = {module.name: module for module in (Module(root, file) for file in files)}
        gc.enable()

    @classmethod
    def of_project(cls, house: str) -> "Package":
        """The project's own `harness`, or its `app`."""
        return cls(PROJECT / "src" / house)

    @classmethod
    def planted(cls, folder: Path, files: Mapping[str, str], house: str) -> "Package":
        """A small package with these files in `folder`/src/`house`, to see a check find its fault."""
        root = folder / "src" / house
        for name, text in files.items():
            file = root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(dedent(text), encoding="utf-8")
        return cls(root)

    def __iter__(self) -> Iterator[Module]:
        return iter(self.modules.values())


class Plant(Protocol):
    """Writes a small package: file name -> text."""

    def __call__(self, files: Mapping[str, str], house: str = "harness") -> Package: ...


@pytest.fixture(scope="session")
def package() -> Package:
    """The harness: what these rules are gates over. Over `app` they are advice."""
    return Package.of_project("harness")


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    """A folder for planted packages."""

    def write(files: Mapping[str, str], house: str = "harness") -> Package:
        return Package.planted(tmp_path, files, house)

    return write
