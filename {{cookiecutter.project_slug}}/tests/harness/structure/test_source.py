from .conftest import Plant
from .source import Package


def test_the_whole_package_is_read(package: Package) -> None:
    assert {"", "settings", "api.app", "graph", "graph.state"} <= set(package.modules)


def test_imports_are_named_from_inside_the_package(plant: Plant) -> None:
    package = plant(
        {
            "limits/quota.py": "",
            "limits/__init__.py": "from . import quota\nfrom .quota import Quota\n",
            "api/__init__.py": "",
            "api/chat.py": """
                import harness.limits.quota
                import json
                from ..limits import quota, other
                from ... import limits
                from harness.limits.quota import Quota
                """,
        }
    )
    inside = [name for _, name in package.imports(package.modules["limits"])]
    assert inside == ["limits.quota", "limits.quota"]
    outside = [name for _, name in package.imports(package.modules["api.chat"])]
    assert outside == ["limits.quota", "limits.quota", "limits", "limits", "limits.quota"]
