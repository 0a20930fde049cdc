"""CODE-1. Earned by guards written as loose functions: a second door forgot to call one of them."""

import ast
from collections.abc import Iterator

import pytest

from .conftest import Fault, Module, Package, Plant

pytestmark = pytest.mark.checklist("CODE-1")

WANTED_BY_A_FRAMEWORK = {
    "__getattr__": "Python calls it for a public name that is not imported yet",
    "http.authentication.requires": "a dependency of FastAPI is written as a call",
    "http.app.create_app": "the server calls it for an application",
    "cli.start.main": "the installed command calls it",
    "runtime.graph_model.model": "a graph of one's own calls it where it made a model",
    "runtime.guarded_tools.tools": "a graph of one's own calls it where it listed its tools",
}
"""Functions of the harness, and who asks for a function there."""


class LooseFunctions:
    """Finds functions outside of classes; LangChain's `@tool` functions of an agent are welcome."""

    REMEDY = "make it a method"
    OR_NAME_IT = ", or name it in tests/harness/structure/test_functions.py with its framework"
    """For the harness alone: over src/app this is advice, and no sealed file is its remedy."""

    def faults(self, package: Package) -> Iterator[Fault]:
        """Every loose function that no framework asks for."""
        in_harness = self.OR_NAME_IT * (package.root.name == "harness")
        for module in package:
            for node in module.tree.body:
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    name = f"{module.name}.{node.name}".lstrip(".")
                    if name not in WANTED_BY_A_FRAMEWORK and not self._is_tool(module, node):
                        problem = f"the function `{node.name}` belongs to no class"
                        yield module.fault(node, problem, self.REMEDY + in_harness)

    @staticmethod
    def _is_tool(module: Module, node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
        names = {part.id for it in node.decorator_list for part in ast.walk(it) if isinstance(part, ast.Name)}
        return module.is_in("agents") and "tool" in names


def test_behaviour_lives_in_classes(package: Package) -> None:
    faults = [str(fault) for fault in LooseFunctions().faults(package)]
    assert not faults, "\n".join(faults)


def test_every_function_that_a_framework_wants_is_there(package: Package) -> None:
    there = {
        f"{module.name}.{node.name}".lstrip(".")
        for module in package
        for node in module.tree.body
        if isinstance(node, ast.FunctionDef)
    }
    assert set(WANTED_BY_A_FRAMEWORK) <= there


def test_a_loose_function_is_named_with_its_line(plant: Plant) -> None:
    package = plant(
        {
            "limits/quota.py": "\n\nasync def reserve():\n    pass\n",
            "http/app.py": "def create_app():\n    def inner(): pass\n",
        }
    )
    [fault] = LooseFunctions().faults(package)
    assert fault.place == "src/harness/limits/quota.py:3"
    assert fault.problem == "the function `reserve` belongs to no class"


def test_a_tool_of_an_agent_may_be_a_function(plant: Plant) -> None:
    tools = "@tool\ndef forecast():\n    pass\n\n\ndef helper(): pass\n"
    [fault] = LooseFunctions().faults(plant({"agents/weather/tools.py": tools}, "app"))
    assert fault.place == "src/app/agents/weather/tools.py:6"
