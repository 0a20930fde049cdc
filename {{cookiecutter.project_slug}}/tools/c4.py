"""The C4 model of the service, read off its settings, imports, graph, and agents with their policies.

`python -m tools.c4` writes docs/c4.md from the code; with `--check` it only compares, and fails on a difference.
"""

import importlib
import re
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Any, Final

import grimp

from app.agents import AGENTS
from harness import Agent, Configuration
from harness.models.factory import LLMFactory
from harness.models.providers import PROVIDERS
from harness.runtime.access import Access
from harness.runtime.graph import GraphBuilder
from harness.settings import Settings
from harness.sources.resources import SourceConnections

STYLES: Final = {
    "person": "fill:#08427b,stroke:#052e56,color:#ffffff",
    "system": "fill:#1168bd,stroke:#0b4884,color:#ffffff",
    "component": "fill:#d6e8f7,stroke:#5d9bd0,color:#111111",
    "store": "fill:#1f6fb2,stroke:#14507f,color:#ffffff",
    "external": "fill:#6b6b6b,stroke:#4d4d4d,color:#ffffff",
}
"""The colours of the C4 model's own examples, some darker: text on them has a contrast of 4.5 or more."""

SHAPES: Final = {"person": ("([", "])"), "store": ("[(", ")]")}

LINE_CHARS: Final = 24  # Mermaid itself breaks longer ones at 200 pixels

SPECIAL: Final = re.compile(r'[#"<>{}`|%\\&]')  # to Mermaid, or to a template engine


class Diagram:
    """One flowchart, line by line."""

    def __init__(self, direction: str = "TB") -> None:
        self._lines = [f"flowchart {direction}"]

    def box(self, name: str, title: str, what: str, about: str = "", kind: str = "component") -> None:
        """An element; `what` is its sort and technology, such as `Container: FastAPI`."""
        texts = [f"<b>{self.label(title)}</b>", self.label(f"[{what}]"), self.label(about)]
        opening, closing = SHAPES.get(kind, ("[", "]"))
        text = "<br>".join(filter(None, texts))
        self._lines.append(f'{self.key(name)}{opening}"{text}"{closing}:::{kind}')

    def arrow(self, source: str, target: str, about: str = "", *, optional: bool = False) -> None:
        """Who uses whom, and for what; an optional one is dotted."""
        text = f'|"{self.label(about)}"|' if about else ""
        line = "-.->" if optional else "-->"
        self._lines.append(f"{self.key(source)} {line}{text} {self.key(target)}")

    def text(self) -> str:
        """The fenced block."""
        styles = [f"classDef {kind} {style}" for kind, style in STYLES.items()]
        return "```mermaid\n" + "\n    ".join([*self._lines, *styles]) + "\n```"

    @staticmethod
    def label(text: str) -> str:
        """Any text in lines, its special characters as Mermaid's own codes."""
        plain = text.replace("`", "").rstrip(".")
        lines = textwrap.wrap(plain, LINE_CHARS, break_on_hyphens=False, break_long_words=False)
        return "<br>".join(SPECIAL.sub(lambda found: f"#{ord(found[0])};", it) for it in lines)

    @staticmethod
    def key(name: str) -> str:
        """A name as a node's key; the prefix keeps it from being one of Mermaid's words."""
        return "n_" + re.sub(r"\W", "_", name, flags=re.ASCII)


ADDRESS_ENDINGS: Final = ("_url", "_issuer", "_endpoint")
"""A setting whose name ends so names another system."""

PLACED: Final = "database_url redis_url oidc_issuer data_proxy_url llm_base_url llm_fallback_base_url public_url"
"""Addresses that the diagrams have a box of their own for, and the service's own; each other one gets a plain box."""

SHARED: Final = ("configuration", "errors", "project", "settings", "telemetry")
"""What every package imports: arrows to them would hide the others."""

SYSTEM: Final = "Software system"

HEAD: Final = """\
# Architecture

The service in the C4 model, as pictures: what runs and who it works with, the parts of the process, the agents.
Written by `nox -s generate` from the code with the default settings; `nox -s check` fails when the code says
something else. Dotted: only where a setting asks for it.
"""

PACKAGES: Final = f"""\
The owner's `src/app` stands above them. An arrow means: imports. What a chain of arrows says already is left out,
and so is what all import: {', '.join(f'`{name}`' for name in SHARED)}.
"""


STATE: Final = """\
Declared in `src/harness/runtime/access.toml`: `r` reads, `w` writes. A node is given nothing else, and a run in which
one writes something else fails.
"""

AGENTS_READ: Final = """\
Every agent works in the node `work`. It is given its task, the language, and of the thread's history as many turns as
it declares (`history_turns`); all that it can write is the result of its task. One that is a graph keeps a state of its
own beside the thread, and what it remembers of the caller; where a thread was moved without that state, it begins with
its own turns of `history`."""

CONVERSATIONS: Final = """\
Declared in the same file, or in the endpoint's own `access.toml`. An endpoint has no other way than this one, a caller
needs the scope of each part it touches, and sees what is its own. To write history and memories is to delete them.
"""


class C4:
    """The page `docs/c4.md`."""

    def __init__(self, agents: Sequence[type[Agent[Any]]]) -> None:
        """Draw the service with `agents`, which are built with their default settings.

        Raises:
            ConfigurationError: An agent does not fulfil the contract.
        """
        self._settings = Settings()
        connections = SourceConnections(self._settings)
        self._agents = [agent(connections) for agent in agents]

    def text(self) -> str:
        """The whole page."""
        sections = {
            "Containers: what runs, what it keeps, and who it works with": self._containers(),
            "Components: the packages of `src/harness/`": f"{PACKAGES}\n{self.packages('harness')}",
            "Components: one run of the graph": self._run(),
            "Components: the agents and what each may reach": self._reach(),
            "State: what each node of a run may read and write": f"{STATE}\n{self._state()}",
            "State: what each endpoint may read and write of conversations": f"{CONVERSATIONS}\n{self._conversations()}",
        }
        return HEAD + "".join(f"\n## {title}\n\n{text}\n" for title, text in sections.items())

    def _containers(self) -> str:
        database = str(Settings.model_fields["database_url"].get_default()).partition(":")[0]
        providers = f"{', '.join(sorted(PROVIDERS))}; the embedded model needs none"
        diagram = Diagram()
        for name, title, what, about, kind in (
            ("caller", "Caller", "Person or program", "Asks in words", "person"),
            ("operator", "Operator", "Person", "Sets it up, gives keys, watches it", "person"),
            ("api", "HTTP API", "Container: Python, FastAPI", "", "system"),
            ("cli", "Command line", "Container: Python", "", "system"),
            ("store", "Conversations", f"Store: {database} by DATABASE_URL", "", "store"),
            ("rates", "Rates and quotas", "Store: memory, or Redis by REDIS_URL", "", "store"),
            ("models", "Model provider", SYSTEM, providers, "external"),
            ("identity", "Identity provider", SYSTEM, "OpenID Connect: OIDC_ISSUER", "external"),
        ):
            diagram.box(name, title, what, about, kind)
        diagram.arrow("caller", "api", "JSON, event stream")
        diagram.arrow("operator", "cli")
        diagram.arrow("cli", "api", "serve, ask")
        diagram.arrow("api", "store", "threads")
        diagram.arrow("api", "rates", "counts", optional=True)
        diagram.arrow("api", "models", "prompts", optional=True)
        diagram.arrow("api", "identity", "keys of tokens", optional=True)
        for name, field in Settings.model_fields.items():
            if name.endswith(ADDRESS_ENDINGS) and name not in PLACED.split():
                about = (field.description or "").partition(".")[0]
                diagram.box(name, Settings.variable(name), SYSTEM, about, "external")
                diagram.arrow("api", name, optional=True)
        for agent in self._agents:
            self._reached(diagram, "api", agent)
        return diagram.text()

    @staticmethod
    def packages(root: str) -> str:
        """The packages directly inside of `root`, and which of them imports which."""
        graph = grimp.build_graph(root, cache_dir=None, exclude_type_checking_imports=True)
        for name in graph.find_children(root):
            graph.squash_module(name)
        for name in SHARED:
            graph.remove_module(f"{root}.{name}")
        packages = graph.find_children(root)
        diagram = Diagram()
        # What reaches most comes first: it stands above what it uses.
        for name in sorted(packages, key=lambda it: (-len(graph.find_upstream_modules(it)), it)):
            if not graph.find_upstream_modules(name) | graph.find_downstream_modules(name):
                continue  # a package whose parts were all left out
            about = (importlib.import_module(name).__doc__ or "").partition("\n")[0]
            title = name.partition(".")[2]
            diagram.box(name, title, "Package", about.partition(":")[0].partition(". ")[0])
            targets = graph.find_modules_directly_imported_by(name) & packages - {name}
            for target in sorted(targets):
                # Two that import each other stand beside each other: neither says the other's arrow.
                others = targets - {target} - graph.find_upstream_modules(target)
                if not any(graph.chain_exists(importer=it, imported=target) for it in others):
                    diagram.arrow(name, target)
        return diagram.text()

    def _run(self) -> str:
        """As LangGraph itself draws it."""
        builder = GraphBuilder(self._settings, LLMFactory(self._settings), self._agents)
        drawn = builder.compile(None).get_graph().draw_mermaid(with_styles=False)
        return f"```mermaid\n{drawn.strip()}\n```"

    def _state(self) -> str:
        """A row for each key of the state, then the agents."""
        nodes = Access.nodes()
        keys = dict.fromkeys(key for it in nodes.values() for key in sorted(it.reads | it.writes))
        head = ["| key | " + " | ".join(nodes) + " |", "| --- |" + " --- |" * len(nodes)]
        rows = [
            f"| {key} | "
            + " | ".join("r" * (key in it.reads) + "w" * (key in it.writes) for it in nodes.values())
            + " |"
            for key in keys
        ]
        agents = [f"- `{it.name}`: {it.history_turns} turns of `history`" for it in self._agents]
        return "\n".join([*head, *rows, "", AGENTS_READ, "", *agents])

    @staticmethod
    def _conversations() -> str:
        diagram = Diagram("LR")
        for name, access in Access.endpoints().items():
            diagram.box(f"endpoint_{name}", name, "Endpoint", kind="system")
            for part in Access.scopes():
                ways = {"reads": part in access.reads, "writes": part in access.writes}
                if about := " and ".join(way for way, is_granted in ways.items() if is_granted):
                    diagram.arrow(f"endpoint_{name}", f"part_{part}", about)
        for part, scope in Access.scopes().items():
            diagram.box(f"part_{part}", part, f"Scope: {scope}", kind="store")
        return diagram.text()

    def _reach(self) -> str:
        diagram = Diagram("LR")
        for agent in self._agents:
            writing = agent.granted.requires_approval
            tools = sorted(agent.granted.tools - writing)
            tools += [f"{name} (a person approves)" for name in sorted(writing)]
            what = f"Agent: {', '.join(tools)}"
            diagram.box(agent.name, agent.name, what, agent.description["en"])
            self._reached(diagram, agent.name, agent)
        return diagram.text()

    @staticmethod
    def _reached(diagram: Diagram, user: str, agent: Agent[Any]) -> None:
        """What the agent's policy lets it reach."""
        policy = agent.granted
        if policy.hosts:
            name, hosts = f"sources_{agent.name}", ", ".join(sorted(policy.hosts))
            diagram.box(name, f"Sources of {agent.name}", SYSTEM, hosts, "external")
            methods = ", ".join(sorted(policy.methods))
            diagram.arrow(user, name, f"HTTPS: {methods}", optional=True)
        scheme = (policy.database or "").partition(":")[0]
        data = [f"folder {PurePath(policy.folder).as_posix()}"] if policy.folder else []
        data += [f"{scheme} table {name}" for name in sorted(policy.tables)]
        if data:
            name = f"data_{agent.name}"
            diagram.box(name, f"Data of {agent.name}", "Read only", "; ".join(data), "store")
            diagram.arrow(user, name, "reads")


def c4(agents: Sequence[type[Agent[Any]]]) -> str:
    """The page, from here on with the settings' defaults, whatever the environment and `.env` say."""
    Configuration.settings_customise_sources = classmethod(  # type: ignore[method-assign,assignment]
        lambda _, __, init_settings, *___, **____: (init_settings,)
    )
    return C4(agents).text()


def main(project: Path, text: str, *, is_check: bool) -> int:
    """Write or compare the page of `project`; the exit code."""
    page = project / "docs" / "c4.md"
    is_stale = not page.exists() or page.read_text(encoding="utf-8") != text
    if is_stale and is_check:
        print("docs/c4.md no longer says what the code says: `nox -s generate`", file=sys.stderr)
    elif is_stale:
        page.write_text(text, encoding="utf-8", newline="\n")
    return int(is_stale and is_check)


if __name__ == "__main__":
    sys.exit(main(Path.cwd(), c4(AGENTS), is_check="--check" in sys.argv))
