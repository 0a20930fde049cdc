"""TEST-1. Earned by a fallback that was built, correct, and called by nothing: no test had asked."""

import ast
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import pytest

from .conftest import PROJECT, Fault, Module, Package, Plant

pytestmark = pytest.mark.checklist("TEST-1")


class TestModules:
    """Finds modules without a test module: `limits/quota.py` -> `tests/harness/limits/test_quota.py`.

    Small modules share one: any test module of their package whose docstring names them, such as
    "Tests of `quota` and `rate`." A package's `__init__.py` that does something has
    `test_<package>.py`, beside its folder or in it. What is shown over HTTP alone has its test in
    `tests/conformance/`. Settings are held to the same rules together. Of the owner's package only
    agents are asked for: at least one test module in `tests/agents/<name>/`, named as its owner likes.
    """

    __test__ = False  # not a test class, whatever its name

    def __init__(self, tests: Path) -> None:
        self._tests = tests

    def faults(self, package: Package) -> Iterator[Fault]:
        """Every module that no test module belongs to."""
        wanted_of = self._of_harness if package.root.name == "harness" else self._of_agent
        for module in package:
            wanted = wanted_of(module)
            own = (file for pattern in wanted for file in self._tests.glob(pattern))
            if wanted and not any(map(self._holds_a_test, chain(own, self._shared(module)))):
                problem = f"`{module.name}` has no test module"
                yield module.fault(module.tree, problem, f"write a test in tests/{wanted[0]}")

    def _shared(self, module: Module) -> Iterator[Path]:
        """The test modules of its package that name it in their docstrings."""
        *folder, name = ("harness", *module.parts)
        for file in self._tests.joinpath(*folder).glob("test_*.py"):
            tree = ast.parse(file.read_text(encoding="utf-8"))
            if f"`{name}`" in (ast.get_docstring(tree) or ""):
                yield file

    @staticmethod
    def _of_harness(module: Module) -> Sequence[str]:
        """Where its test module may be, below tests/; empty for a module that does nothing."""
        does_something = any(
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Call) for node in module.nodes
        )
        if not does_something or not module.parts:
            return ()
        if module.is_in("settings"):
            return ("harness/settings/test_settings.py",)
        *folder, name = ("harness", *module.parts)
        file = f"test_{name}.py"
        shown = [f"conformance/{file}", f"conformance/test_{name}_*.py"]
        inside = ["/".join((*folder, name, file))] if module.is_package else []
        return ["/".join((*folder, file)), *inside, *shown]

    @staticmethod
    def _of_agent(module: Module) -> Sequence[str]:
        match module.parts:
            case ("agents", name, "agent"):
                return (f"agents/{name}/**/test_*.py", f"agents/test_{name}.py")
            case ("agents", name) if not module.is_package:
                return (f"agents/test_{name}.py", f"agents/{name}/**/test_*.py")
        return ()

    @staticmethod
    def _holds_a_test(file: Path) -> bool:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        functions = (ast.FunctionDef, ast.AsyncFunctionDef)
        return any(isinstance(node, functions) and node.name.startswith("test_") for node in ast.walk(tree))


def test_every_module_has_its_test_module(package: Package) -> None:
    faults = [str(fault) for fault in TestModules(PROJECT / "tests").faults(package)]
    assert not faults, "\n".join(faults)


@pytest.fixture
def tests(tmp_path: Path) -> Path:
    """A small folder of tests."""
    folder = tmp_path / "tests"
    for name, text in {
        "harness/limits/test_quota.py": "def test_one(): pass\n",
        "harness/limits/test_rate.py": "# empty\n",
        "harness/limits/test_small.py": '"""Tests of `day` and `hour`."""\ndef test_one(): pass\n',
        "harness/auth/test_auth.py": "async def test_one(): pass\n",
        "agents/weather/test_forecast.py": "class TestWeather:\n    def test_one(self): pass\n",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_a_module_without_a_test_is_named_with_the_file_to_write(plant: Plant, tests: Path) -> None:
    package = plant(
        {
            "limits/__init__.py": '"""Only says what the package is for."""\n',
            "auth/__init__.py": "class Auth: pass\n",
            "limits/quota.py": "class Quota: pass\n",
            "limits/rate.py": "class Rate: pass\n",
            "limits/names.py": "NAMES = ('a', 'b')\n",
            "limits/day.py": "class Day: pass\n",
        }
    )
    [fault] = TestModules(tests).faults(package)
    assert str(fault) == (
        "src/harness/limits/rate.py:1: `limits.rate` has no test module; "
        "write a test in tests/harness/limits/test_rate.py"
    )


def test_an_agent_without_a_test_is_named(plant: Plant, tests: Path) -> None:
    package = plant(
        {
            "agents/__init__.py": "AGENTS = find()\n",
            "agents/billing.py": "class Billing: pass\n",
            "agents/weather/agent.py": "class Weather: pass\n",
            "agents/weather/places.py": "class Places: pass\n",
            "agents/news/agent.py": "class News: pass\n",
            "erp.py": "class Erp: pass\n",
        },
        "app",
    )
    assert [fault.remedy for fault in TestModules(tests).faults(package)] == [
        "write a test in tests/agents/test_billing.py",
        "write a test in tests/agents/news/**/test_*.py",
    ]
