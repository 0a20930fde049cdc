"""TEST-1. Earned by a fallback that was built, correct, and called by nothing: no test had asked."""

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from .conftest import Plant
from .source import PROJECT, Fault, Module, Package

pytestmark = pytest.mark.checklist("TEST-1")


class TestModules:
    """Finds modules without a test module: `limits/quota.py` -> `tests/harness/limits/test_quota.py`.

    A package's `__init__.py` that does something has `test_<package>.py`, beside its folder or in
    it. An agent has at least one test module in `tests/agents/<name>/`, named as its owner likes.
    Settings are held to the same rules together.
    """

    __test__ = False  # not a test class, whatever its name

    def __init__(self, tests: Path) -> None:
        self._tests = tests

    def faults(self, package: Package) -> Iterator[Fault]:
        """Every module that no test module belongs to."""
        for module in package:
            wanted = self._wanted(module)
            files = [file for pattern in wanted for file in self._tests.glob(pattern)]
            if wanted and not any(map(self._holds_a_test, files)):
                problem = f"`{module.name}` has no test module"
                yield module.fault(module.tree, problem, f"write a test in tests/{wanted[0]}")

    def _wanted(self, module: Module) -> Sequence[str]:
        """Where its test module may be, below tests/; empty for a module that does nothing."""
        does_something = any(
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Call)
            for node in module.nodes
        )
        if not does_something or module.parts == ("__main__",):
            return ()
        if module.is_in("settings"):
            return ("settings/test_settings.py",)
        *folder, name = module.parts
        if module.is_in("agents") and folder:
            return (f"agents/{folder[-1]}/**/test_*.py",) if name == "agent" else ()
        file = f"test_{name}.py"
        beside = "/".join((*folder, file))
        return (beside, "/".join((*folder, name, file))) if module.is_package else (beside,)

    @staticmethod
    def _holds_a_test(file: Path) -> bool:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        functions = (ast.FunctionDef, ast.AsyncFunctionDef)
        return any(
            isinstance(node, functions) and node.name.startswith("test_") for node in ast.walk(tree)
        )


def test_every_module_has_its_test_module(package: Package) -> None:
    faults = [str(fault) for fault in TestModules(PROJECT / "tests").faults(package)]
    assert not faults, "\n".join(faults)


def test_a_module_without_a_test_is_named_with_the_file_to_write(
    plant: Plant, tmp_path: Path
) -> None:
    package = plant(
        {
            "limits/__init__.py": '"""Only says what the room is for."""\n',
            "auth/__init__.py": "class Auth: pass\n",
            "limits/quota.py": "class Quota: pass\n",
            "limits/rate.py": "class Rate: pass\n",
            "limits/names.py": "NAMES = ('a', 'b')\n",
            "agents/__init__.py": "AGENTS = find()\n",
            "agents/weather/agent.py": "class Weather: pass\n",
            "agents/weather/places.py": "class Places: pass\n",
            "agents/news/agent.py": "class News: pass\n",
        }
    )
    tests = tmp_path / "tests"
    for name, text in {
        "limits/test_quota.py": "def test_one(): pass\n",
        "limits/test_rate.py": "# empty\n",
        "auth/test_auth.py": "async def test_one(): pass\n",
        "agents/weather/test_forecast.py": "class TestWeather:\n    def test_one(self): pass\n",
    }.items():
        (tests / name).parent.mkdir(parents=True, exist_ok=True)
        (tests / name).write_text(text)
    found = [str(fault) for fault in TestModules(tests).faults(package)]
    assert [line.partition("; ")[2] for line in found] == [
        "write a test in tests/test_agents.py",
        "write a test in tests/agents/news/**/test_*.py",
        "write a test in tests/harness/limits/test_rate.py",
    ]
    assert found[2].startswith("src/harness/limits/rate.py:1: `limits.rate` has no test module")
