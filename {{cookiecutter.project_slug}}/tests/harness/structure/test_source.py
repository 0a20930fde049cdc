import ast

from .conftest import Plant
from .source import Package


def test_both_packages_are_read_whole() -> None:
    assert {"", "settings", "http.app", "runtime"} <= set(Package.of_project("harness").modules)
    assert {"", "main", "agents"} <= set(Package.of_project("app").modules)


def test_a_docstring_is_no_code(plant: Plant) -> None:
    module = plant({"limits/quota.py": '"""Five."""\nFIVE = "five"\n'}).modules["limits.quota"]
    texts = [node.value for node in module.nodes if isinstance(node, ast.Constant)]
    assert texts == ["five"]
