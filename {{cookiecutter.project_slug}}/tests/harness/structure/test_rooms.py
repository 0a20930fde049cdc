"""Imports point down. Earned by a limiter that imported the API and could not be used at another door."""

from collections.abc import Iterator

from .conftest import Plant
from .source import Fault, Package

OPEN_TO_ALL = (
    "project",
    "errors",
    "configuration",
    "settings",
    "store_url",
    "observability",
    "prompts.language",
    "limits.deadline",
    "limits.budget",
    "limits.bulkhead",
    "limits.counters",
    "limits.redis_counters",
    "limits.enforcement",
    "limits.quotas",
    "limits.at_once",
)
"""Every room may import these; they import each other only. The bounds of a run are asked for
wherever a run waits or spends."""

ROOMS = (
    "__main__",
    "cli",
    "api",
    "interop",
    "auth",
    "limits",
    "graph",
    "guardrails",
    "agents",
    "prompts",
    "llm",
    "connectors",
    "persistence",
)
"""From the front door inwards: a room imports what stands after it. Guards stand behind the graph,
which calls them, so that every door passes them."""

EXCEPTIONS = {
    ("agents", "graph.contract"): "what an agent fulfils is the service's, not the agent's",
    ("agents", "graph.registry"): "how agents are found is the service's, not the agent's",
}


class RoomOrder:
    """Finds imports that point up."""

    def faults(self, package: Package) -> Iterator[Fault]:
        """Every import of a room that stands before the importing one."""
        for module in package:
            for node, target in package.imports(module):
                problem = self._problem(module.name, target)
                if problem:
                    remedy = f"the order is {' > '.join(ROOMS[1:])}: move what both need down"
                    yield module.fault(node, problem, remedy)

    def _problem(self, source: str, target: str) -> str:
        here, there = self._room(source), self._room(target)
        if here == there or self._is_open(target) or (here, target) in EXCEPTIONS or not here:
            return ""
        if self._is_open(source):
            return f"`{source}` is open to all rooms, so it may not import `{target}`"
        unknown = [room for room in (here, there) if room not in ROOMS]
        if unknown:
            return f"the room `{unknown[0]}` has no place in the order"
        if ROOMS.index(here) > ROOMS.index(there):
            return f"the room `{here}` imports `{target}`, which stands before it"
        return ""

    @staticmethod
    def _room(name: str) -> str:
        return name.partition(".")[0]

    @staticmethod
    def _is_open(name: str) -> bool:
        return any(name == it or name.startswith(f"{it}.") for it in OPEN_TO_ALL)


def test_imports_point_down_the_list_of_rooms(package: Package) -> None:
    faults = [str(fault) for fault in RoomOrder().faults(package)]
    assert not faults, "\n".join(faults)


def test_an_import_that_points_up_names_the_room_that_broke_the_order(plant: Plant) -> None:
    package = plant(
        {
            "__init__.py": "",
            "errors.py": "from .api import app\n",
            "settings.py": "from .errors import Misconfigured\n",
            "api/app.py": "from ..graph.build import Graph\nfrom ..settings import Settings\n",
            "graph/build.py": "from ..api import app\nfrom ..newroom import thing\n",
            "graph/contract.py": "from ..prompts.prompt import Prompt\n",
            "agents/weather/agent.py": """
                from ...graph.contract import Agent
                from ...graph.state import State
                """,
            "newroom.py": "",
        }
    )
    found = [str(fault).partition(";")[0] for fault in RoomOrder().faults(package)]
    assert found == [
        "src/app/agents/weather/agent.py:3: the room `agents` imports `graph.state`, which stands before it",
        "src/harness/errors.py:1: `errors` is open to all rooms, so it may not import `api.app`",
        "src/harness/runtime/graph.py:1: the room `graph` imports `api.app`, which stands before it",
        "src/harness/runtime/graph.py:2: the room `newroom` has no place in the order",
    ]
