"""The C4 model of the service, read off its settings, routes, graph, rooms, and agents with their policies."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any, Final

from starlette.routing import Mount

from harness.application import Application
from harness.models.factory import LLMFactory
from harness.models.providers import PROVIDERS
from harness.runtime.agent import Agent
from harness.runtime.graph import GraphBuilder
from harness.runtime.state import READS, WRITES
from harness.settings import Configuration, Settings
from harness.sources.resources import SourceConnections

from .mermaid import Arrow, Boundary, Box, Diagram, Kind
from .package import Package

ADDRESS_ENDINGS: Final = ("_url", "_issuer", "_endpoint")
"""A setting whose name ends so names another system."""

PLACED: Final = (
    *("database_url", "redis_url", "oidc_issuer"),
    *("llm_base_url", "llm_fallback_base_url", "data_proxy_url"),
)
"""Addresses that the diagrams have a box of their own for; each other one gets a plain box."""

OPEN: Final = ("configuration", "errors", "project", "settings", "store_url", "observability")
"""Rooms that every room imports: arrows to them would hide the others."""

HEAD: Final = """\
# C4 diagrams

The service at the four zooms of the C4 model: who it works with, what runs, the parts of the process, the agents.
Written by `nox -s generate` from the code with the default settings; `nox -s check` fails when the code says
something else. Dotted: only where a setting asks for it.
"""


class C4:
    """The page `docs/c4.md`."""

    def __init__(self, package: Package, agents: Sequence[type[Agent[Any]]]) -> None:
        """Draw `package` with `agents`, which are built with their default settings.

        Raises:
            ConfigurationError: An agent does not fulfil the contract.
        """
        self._package = package
        self._settings = Settings()
        connectors = SourceConnections(self._settings)
        self._agents = [agent(connectors) for agent in agents]
        self._classes = agents

    def lines(self) -> Iterator[str]:
        """The whole page."""
        yield from HEAD.splitlines()
        for title, diagram in (
            ("Context: who it works with", self._context()),
            ("Containers: what runs and what it keeps", self._containers()),
        ):
            yield from ("", f"## {title}", "", *diagram.lines())
        yield from ("", "### Its doors", "", *self._doors())
        yield from ("", "## Components: the rooms of `src/app/`", "")
        yield "An arrow means: imports. What a chain of arrows says already is left out, and so are the rooms that all"
        yield f"import: {', '.join(f'`{room}`' for room in sorted(OPEN))}."
        yield from ("", *self._rooms().lines())
        yield from ("", "## Components: one run of the graph", "", *self._run().lines())
        yield from (
            "",
            "What each step is shown and may change, as `graph/state.py` grants it:",
            "",
        )
        yield from self._grants()
        yield from ("", "## Components: the agents and what each may reach", "")
        yield from self._reach().lines()
        yield ""
        yield from self._policies()

    # Context

    def _context(self) -> Diagram:
        boxes = [
            Box("caller", "Caller", "Person or program", "Asks in English or Spanish", "person"),
            Box("operator", "Operator", "Person", "Sets it up, gives keys, watches it", "person"),
            Box("service", "This service", "Software system", self._tasks(), "system"),
            *self._outside(),
        ]
        arrows = [
            Arrow("caller", "service", "questions"),
            Arrow("operator", "service", "settings, metrics"),
            *self._uses("service"),
        ]
        return Diagram(boxes, arrows)

    def _tasks(self) -> str:
        names = ", ".join(agent.name for agent in self._agents)
        return f"Answers with its agents: {names}"

    def _outside(self) -> Iterator[Box]:
        """The systems of others."""
        known = ", ".join(sorted(PROVIDERS))
        yield self._external("models", "Model provider", f"{known}; the embedded model needs none")
        for agent in self._agents:
            if hosts := self._hosts(agent):
                yield self._external(f"data_{agent.name}", f"Sources of {agent.name}", hosts)
        yield self._external("identity", "Identity provider", "OpenID Connect: OIDC_ISSUER")
        for name, about in self._other_addresses():
            yield self._external(name, Settings.variable(name), about)

    def _uses(self, source: str) -> Iterator[Arrow]:
        yield Arrow(source, "models", "prompts", is_optional=True)
        for agent in self._agents:
            if self._hosts(agent):
                yield Arrow(source, f"data_{agent.name}", self._methods(agent), is_optional=True)
        yield Arrow(source, "identity", "keys of tokens", is_optional=True)
        for name, _ in self._other_addresses():
            yield Arrow(source, name, is_optional=True)

    @staticmethod
    def _external(key: str, title: str, about: str) -> Box:
        return Box(key, title, "Software system", about, "external")

    def _other_addresses(self) -> Iterator[tuple[str, str]]:
        for name, field in Settings.model_fields.items():
            if name.endswith(ADDRESS_ENDINGS) and name not in PLACED:
                yield name, (field.description or "").partition(".")[0]

    # Containers

    def _containers(self) -> Diagram:
        database = self._default("database_url").partition(":")[0]
        inside = [
            Box("api", "HTTP API", "Container: Python, FastAPI", self._api(), "container"),
            Box("cli", "Command line", "Container: Python", self._room("cli").about, "container"),
            Box("store", "Conversations", f"Store: {database} by DATABASE_URL", "", "store"),
            Box(
                "counters", "Rates and quotas", "Store: memory, or Redis by REDIS_URL", "", "store"
            ),
            *self._documents(),
        ]
        boxes: list[Box | Boundary] = [
            Box("caller", "Caller", "Person or program", "", "person"),
            Box("operator", "Operator", "Person", "", "person"),
            Boundary("service", "This service", inside),
            *self._outside(),
        ]
        arrows = [
            Arrow("caller", "api", "JSON, event stream"),
            Arrow("operator", "cli"),
            Arrow("cli", "api", "serve, ask"),
            Arrow("api", "store", "threads"),
            Arrow("api", "counters", "counts", is_optional=True),
            *(Arrow("api", box.key, "reads") for box in self._documents()),
            *self._uses("api"),
        ]
        return Diagram(boxes, arrows)

    def _api(self) -> str:
        return f"{len(self._routes())} routes. {self._room('graph').about}"

    def _documents(self) -> Iterator[Box]:
        for agent in self._agents:
            if kept := self._kept(agent):
                yield Box(
                    f"kept_{agent.name}", f"Data of {agent.name}", "Files, read only", kept, "store"
                )

    def _routes(self) -> list[tuple[str, str, str]]:
        """Method, path and first sentence of every route that the API describes, and of mounts."""
        app = Application(self._classes).create_app(self._settings)
        found = [
            (method.upper(), path, about.get("description", about["summary"]).partition("\n")[0])
            for path, methods in app.openapi()["paths"].items()
            for method, about in methods.items()
        ]
        mounts = [route for route in app.routes if isinstance(route, Mount)]
        found += [("mount", mount.path, mount.name) for mount in mounts]
        return sorted(found, key=lambda route: (route[1], route[0]))

    def _doors(self) -> Iterator[str]:
        yield from ("| door | what it gives |", "|---|---|")
        for method, path, about in self._routes():
            yield f"| `{method} {path}` | {self._cell(about)} |"

    # Components

    def _rooms(self) -> Diagram:
        imports = {
            room: {target for target in targets if target not in OPEN}
            for room, targets in self._package.room_imports().items()
            if room not in OPEN
        }
        boxes = [
            Box(room, room, f"{len(modules)} modules", self._room(room).about.partition(":")[0])
            for room, modules in self._package.rooms().items()
            if room not in OPEN
        ]
        arrows = [
            Arrow(room, target)
            for room, targets in sorted(imports.items())
            for target in sorted(self._direct(room, targets, imports))
        ]
        order = self._order(imports)
        return Diagram(sorted(boxes, key=lambda box: order.index(box.key)), arrows)

    @classmethod
    def _direct(
        cls, room: str, targets: set[str], imports: Mapping[str, set[str]]
    ) -> Iterator[str]:
        """The targets that no other target leads to; two rooms that import each other both stay."""
        for target in targets:
            others = targets - {target}
            if not any(target in cls._reached(it, imports, {room, target}) for it in others):
                yield target

    @staticmethod
    def _reached(start: str, imports: Mapping[str, set[str]], without: set[str]) -> set[str]:
        """What can be reached from `start` on ways that do not go through `without`."""
        reached: set[str] = set()
        ahead = [start]
        while ahead:
            here = ahead.pop()
            for target in imports.get(here, set()) - reached:
                reached.add(target)
                if target not in without:
                    ahead.append(target)
        return reached

    @classmethod
    def _order(cls, imports: Mapping[str, set[str]]) -> list[str]:
        """The front door first: a room that reaches more stands before one that reaches less."""
        return sorted(imports, key=lambda room: (-len(cls._reached(room, imports, set())), room))

    def _run(self) -> Diagram:
        builder = GraphBuilder(self._settings, LLMFactory(self._settings), self._agents)
        graph = builder.compile(None).get_graph()
        ends: Mapping[str, tuple[str, Kind]] = {
            "__start__": ("a door", "external"),
            "__end__": ("the reply", "external"),
        }
        modules = {module.parts: module.about for module in self._package.modules}
        boxes = []
        for node in graph.nodes:
            title, kind = ends.get(node, (node, "component"))
            about = modules.get(("graph", node), "")
            boxes.append(Box(node, title, "Step" if about else "HTTP or command line", about, kind))
        arrows = [
            Arrow(edge.source, edge.target, is_optional=edge.conditional) for edge in graph.edges
        ]
        return Diagram(boxes, sorted(arrows, key=Arrow.line), "LR")

    @staticmethod
    def _grants() -> Iterator[str]:
        yield from ("| step | is shown | may change |", "|---|---|---|")
        for step, keys in READS.items():
            shown, changed = (
                ", ".join(f"`{key}`" for key in sorted(it)) for it in (keys, WRITES[step])
            )
            yield f"| {step} | {shown} | {changed} |"

    def _reach(self) -> Diagram:
        boxes, arrows = [], []
        for agent in self._agents:
            tools = ", ".join(sorted(agent.policy().tools))
            key = f"agent_{agent.name}"
            boxes.append(Box(key, agent.name, f"Agent: {tools}", agent.description["en"]))
            for target, about in (("data", self._hosts(agent)), ("kept", self._kept(agent))):
                if about:
                    name = f"{target}_{agent.name}"
                    is_kept = target == "kept"
                    what = "Files, read only" if is_kept else f"HTTPS: {self._methods(agent)}"
                    title = f"Data of {agent.name}" if is_kept else f"Sources of {agent.name}"
                    boxes.append(Box(name, title, what, about, "store" if is_kept else "external"))
                    arrows.append(Arrow(key, name, is_optional=not is_kept))
        return Diagram(boxes, arrows, "LR")

    def _policies(self) -> Iterator[str]:
        yield from (
            "| agent | tools | tools that change something | hosts | methods | folder | tables |",
            "|---|---|---|---|---|---|---|",
        )
        for agent in self._agents:
            policy = agent.policy()
            methods = policy.methods if policy.hosts else ()
            folder = [PurePath(policy.folder).as_posix()] if policy.folder else []
            cells = (policy.tools, policy.writing, policy.hosts, methods, folder, policy.tables)
            told = (", ".join(f"`{name}`" for name in sorted(cell)) for cell in cells)
            yield f"| {agent.name} | {' | '.join(told)} |"

    # What the boxes say

    @staticmethod
    def _hosts(agent: Agent[Any]) -> str:
        return ", ".join(sorted(agent.policy().hosts))

    @staticmethod
    def _methods(agent: Agent[Any]) -> str:
        return ", ".join(sorted(agent.policy().methods))

    @staticmethod
    def _kept(agent: Agent[Any]) -> str:
        policy = agent.policy()
        folder = [f"folder {PurePath(policy.folder).as_posix()}"] if policy.folder else []
        scheme = (policy.database or "").partition(":")[0]
        tables = [f"{scheme} table {name}" for name in sorted(policy.tables)]
        return "; ".join([*folder, *tables])

    def _room(self, name: str) -> Any:
        return self._package.rooms()[name][0]

    @staticmethod
    def _default(field: str) -> str:
        return str(Settings.model_fields[field].get_default())

    @staticmethod
    def _cell(text: str) -> str:
        return text.replace("|", "\\|")


class Pristine:
    """The settings' defaults, whatever the environment, `.env` or mounted secrets say."""

    @staticmethod
    def install() -> None:
        """For the rest of this process."""
        Configuration.settings_customise_sources = classmethod(  # type: ignore[method-assign,assignment]
            lambda _, __, init_settings, *___, **____: (init_settings,)
        )
