"""The C4 model of the service, read off its settings, imports, graph, and agents with their policies."""

import importlib
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Any, Final

import grimp

from app.connectors.outside import Connectors
from app.graph.build import GraphBuilder
from app.graph.contract import Agent
from app.llm.factory import LLMFactory
from app.llm.providers import PROVIDERS
from app.settings import Configuration, Settings

from .mermaid import Arrow, Box, flowchart

ROOT: Final = "app"

ADDRESS_ENDINGS: Final = ("_url", "_issuer", "_endpoint")
"""A setting whose name ends so names another system."""

PLACED: Final = (
    *("database_url", "redis_url", "oidc_issuer"),
    *("llm_base_url", "llm_fallback_base_url", "data_proxy_url"),
)
"""Addresses that the diagrams have a box of their own for; each other one gets a plain box."""

OPEN: Final = ("configuration", "errors", "project", "settings", "store_url", "observability")
"""Packages that every package imports: arrows to them would hide the others."""

HEAD: Final = """\
# C4 diagrams

The service at the zooms of the C4 model: who it works with, what runs, the parts of the process, the agents.
Written by `nox -s generate` from the code with the default settings; `nox -s check` fails when the code says
something else. Dotted: only where a setting asks for it.
"""

IMPORTS: Final = f"""\
An arrow means: imports. What a chain of arrows says already is left out, and so are the packages that all
import: {', '.join(f'`{package}`' for package in OPEN)}.
"""


class C4:
    """The page `docs/c4.md`."""

    def __init__(self, agents: Sequence[type[Agent[Any]]]) -> None:
        """Draw the service with `agents`, all with their default settings, whatever is set here.

        Raises:
            Misconfigured: An agent does not fulfil the contract.
        """
        Configuration.settings_customise_sources = classmethod(  # type: ignore[method-assign,assignment]
            lambda _, __, init_settings, *___, **____: (init_settings,)
        )
        self._settings = Settings()
        connectors = Connectors(self._settings)
        self._agents = [agent(connectors) for agent in agents]

    def text(self) -> str:
        """The whole page."""
        sections = {
            "Context: who it works with": self._context(),
            "Containers: what runs and what it keeps": self._containers(),
            f"Components: the packages of `src/{ROOT}/`": f"{IMPORTS}\n{self._packages()}",
            "Components: one run of the graph": self._run(),
            "Components: the agents and what each may reach": self._reach(),
        }
        return HEAD + "".join(f"\n## {title}\n\n{text}\n" for title, text in sections.items())

    def _context(self) -> str:
        names = ", ".join(agent.name for agent in self._agents)
        service = Box(
            "service", "This service", "Software system", f"Its agents: {names}", "system"
        )
        arrows = [
            Arrow("caller", "service", "questions"),
            Arrow("operator", "service", "settings, metrics"),
        ]
        return flowchart(
            [*self._people(), service, *self._outside()], [*arrows, *self._uses("service")]
        )

    def _containers(self) -> str:
        database = str(Settings.model_fields["database_url"].get_default()).partition(":")[0]
        inside = [
            ("api", "HTTP API", "Container: Python, FastAPI", "system"),
            ("cli", "Command line", "Container: Python", "system"),
            ("store", "Conversations", f"Store: {database} by DATABASE_URL", "store"),
            ("counters", "Rates and quotas", "Store: memory, or Redis by REDIS_URL", "store"),
        ]
        boxes = [Box(*of, "", kind, "This service") for *of, kind in inside]
        kept = [self._kept(agent, "This service") for agent in self._agents if self._data(agent)]
        arrows = [
            Arrow("caller", "api", "JSON, event stream"),
            Arrow("operator", "cli"),
            Arrow("cli", "api", "serve, ask"),
            Arrow("api", "store", "threads"),
            Arrow("api", "counters", "counts", is_optional=True),
            *(Arrow("api", box.name, "reads") for box in kept),
        ]
        boxes = [*self._people(), *boxes, *kept, *self._outside()]
        return flowchart(boxes, [*arrows, *self._uses("api")])

    @staticmethod
    def _people() -> Iterator[Box]:
        yield Box("caller", "Caller", "Person or program", "Asks in its language", "person")
        yield Box("operator", "Operator", "Person", "Sets it up, gives keys, watches it", "person")

    def _outside(self) -> Iterator[Box]:
        """The systems of others."""
        known = f"{', '.join(sorted(PROVIDERS))}; the embedded model needs none"
        yield Box("models", "Model provider", "Software system", known, "external")
        yield from (self._sources(agent) for agent in self._agents if agent.policy().hosts)
        oidc = "OpenID Connect: OIDC_ISSUER"
        yield Box("identity", "Identity provider", "Software system", oidc, "external")
        for name in self._addresses():
            about = (Settings.model_fields[name].description or "").partition(".")[0]
            yield Box(name, Settings.variable(name), "Software system", about, "external")

    def _uses(self, source: str) -> Iterator[Arrow]:
        yield Arrow(source, "models", "prompts", is_optional=True)
        for agent in self._agents:
            if agent.policy().hosts:
                methods = ", ".join(sorted(agent.policy().methods))
                yield Arrow(source, f"sources_{agent.name}", methods, is_optional=True)
        yield Arrow(source, "identity", "keys of tokens", is_optional=True)
        yield from (Arrow(source, name, is_optional=True) for name in self._addresses())

    @staticmethod
    def _addresses() -> list[str]:
        names = [name for name in Settings.model_fields if name not in PLACED]
        return [name for name in names if name.endswith(ADDRESS_ENDINGS)]

    @staticmethod
    def _packages() -> str:
        graph = grimp.build_graph(ROOT, cache_dir=None)
        packages = [
            name for name in graph.find_children(ROOT) if name.partition(".")[2] not in OPEN
        ]
        for name in packages:
            graph.squash_module(name)
        # What reaches most comes first: the front door stands above what it uses.
        packages.sort(key=lambda name: (-len(graph.find_upstream_modules(name)), name))
        boxes = []
        arrows = []
        for name in packages:
            about = (importlib.import_module(name).__doc__ or "").partition("\n")[0]
            boxes.append(Box(name, name.partition(".")[2], "Package", about.partition(":")[0]))
            targets = graph.find_modules_directly_imported_by(name) & set(packages)
            arrows += [
                Arrow(name, target)
                for target in sorted(targets)
                if not any(
                    graph.chain_exists(importer=other, imported=target)
                    for other in targets - {target}
                )
            ]
        return flowchart(boxes, arrows)

    def _run(self) -> str:
        """As LangGraph itself draws it."""
        builder = GraphBuilder(self._settings, LLMFactory(self._settings), self._agents)
        drawn = builder.compile(None).get_graph().draw_mermaid(with_styles=False)
        return f"```mermaid\n{drawn.strip()}\n```"

    def _reach(self) -> str:
        boxes, arrows = [], []
        for agent in self._agents:
            policy = agent.policy()
            key = f"agent_{agent.name}"
            tools = [*sorted(policy.tools - policy.writing)]
            tools += [f"{name} (approved by a person)" for name in sorted(policy.writing)]
            what = f"Agent: {', '.join(tools)}"
            boxes.append(Box(key, agent.name, what, agent.description["en"]))
            if policy.hosts:
                boxes.append(self._sources(agent))
                methods = ", ".join(sorted(policy.methods))
                arrows.append(Arrow(key, boxes[-1].name, methods, is_optional=True))
            if self._data(agent):
                boxes.append(self._kept(agent))
                arrows.append(Arrow(key, boxes[-1].name, "reads"))
        return flowchart(boxes, arrows, "LR")

    @staticmethod
    def _sources(agent: Agent[Any]) -> Box:
        hosts = ", ".join(sorted(agent.policy().hosts))
        title = f"Sources of {agent.name}"
        return Box(f"sources_{agent.name}", title, "Software system", hosts, "external")

    @classmethod
    def _kept(cls, agent: Agent[Any], frame: str = "") -> Box:
        title, data = f"Data of {agent.name}", cls._data(agent)
        return Box(f"kept_{agent.name}", title, "Read only", data, "store", frame)

    @staticmethod
    def _data(agent: Agent[Any]) -> str:
        """Its folder and its tables; empty when it has none."""
        policy = agent.policy()
        folder = [f"folder {PurePath(policy.folder).as_posix()}"] if policy.folder else []
        scheme = (policy.database or "").partition(":")[0]
        return "; ".join([*folder, *(f"{scheme} table {name}" for name in sorted(policy.tables))])
