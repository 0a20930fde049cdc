"""Writes the generated pages of the template: `.env.example`, `docs/configuration.md` and `docs/c4.md`.

    python tools/settings_pages.py [--check]

A project generates them from its code and its settings (`nox -s generate`). Here the same generator runs
in the unrendered tree, and what depends on an answer becomes a condition on lines of its own, so
that every rendered project equals what its own generator prints. Run it after a change of a setting,
of a package's first line, of what agents may reach or of what packages import, with a Python that has the
service's dependencies.
"""

import difflib
import importlib.util
import itertools
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PROJECT = ROOT / "{{cookiecutter.project_slug}}"
sys.path.insert(0, str(PROJECT / "src"))

import grimp  # type: ignore[import-not-found]  # noqa: E402  # beside the service's
from app.agents import AGENTS  # noqa: E402  # the path is set above
from app.main import application  # noqa: E402
from harness.cli.settings_reference import SettingsReference  # noqa: E402
from harness.settings import MODEL_EXAMPLES  # noqa: E402

sys.path.insert(0, str(PROJECT))  # a script's own folder is on the path, not the template's `tools` package

from tools.c4 import c4  # type: ignore[import-not-found]  # noqa: E402

OPEN, CLOSE = "{" + "% ", " %" + "}"
FEATURES = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))["_features"]
FOLDER = "src/harness/endpoints/"
ENDPOINTS = {  # endpoint -> the question that brings it
    path.removeprefix(FOLDER): next(iter(feature["when"]))
    for feature in FEATURES.values()
    for path in feature["paths"]
    if path.startswith(FOLDER)
}
DRAWN_ENDPOINT = re.compile(rf" *n_(?:harness_endpoints(?: --> n_harness_(\w+))?|endpoint_({'|'.join(ENDPOINTS)}))\b")
SECTION = re.compile(r"(?:## |# --- )(?:Endpoint (\w+))?")
LANGUAGE = "{" + "{ cookiecutter.language }" + "}"
LANGUAGE_LINES = {
    "# LANGUAGE=en": f"# LANGUAGE={LANGUAGE}",
    "| `en` | en, es |": f"| `{LANGUAGE}` | en, es |",
}


def example_agents() -> set[str]:
    """The names of the agents that a project may leave out."""
    examples = [path.strip("/") for path in FEATURES["example agents"]["paths"]]
    return {agent.name for agent in AGENTS if f"src/app/agents/{agent.name}" in examples}


def starter() -> type[Any]:
    """The agent that a project has in place of the examples; Python does not find it here by its name."""
    file = PROJECT / "src/app/agents/{{cookiecutter._starter}}.py"
    spec = importlib.util.spec_from_file_location("app.agents.about", file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    agent: type[Any] = module.AboutAgent
    return agent


@cache
def users(package: str) -> list[str]:
    """The endpoints that import a package of the harness."""
    graph = grimp.build_graph("harness", cache_dir=None, exclude_type_checking_imports=True)
    for name in graph.find_children("harness") - {"harness.endpoints"} | graph.find_children("harness.endpoints"):
        graph.squash_module(name)
    package = f"harness.{package}"
    return [it for it in ENDPOINTS if graph.direct_import_exists(importer=f"harness.endpoints.{it}", imported=package)]


class Pages:
    """The generated pages as template text."""

    def __init__(self) -> None:
        self._with_all = AGENTS
        kept = [agent for agent in AGENTS if agent.name not in example_agents()]
        self._without = (*kept, starter())

    def texts(self) -> dict[str, str]:
        """File name -> template text."""
        makers: dict[str, Callable[[Sequence[type[Any]]], Sequence[str]]] = {
            ".env.example": lambda agents: self._of_settings(SettingsReference.env, agents),
            "docs/configuration.md": lambda agents: self._of_settings(SettingsReference.markdown, agents),
            "docs/c4.md": lambda agents: c4(agents).splitlines(),
        }
        return {
            name: "\n".join(self._of_endpoints(self._merged(make(self._with_all), make(self._without)))) + "\n"
            for name, make in makers.items()
        }

    def _of_endpoints(self, lines: Iterable[str]) -> Iterator[str]:
        """What is told or drawn of an endpoint that a project may leave out stands between conditions."""
        for names, group in itertools.groupby(self._with_endpoints(lines), itemgetter(0)):
            questions = dict.fromkeys(f"cookiecutter.{ENDPOINTS[it]}" for it in names)
            told = [line for _, line in group]
            yield from [self._tag(f"if {' or '.join(questions)}"), *told, self._tag("endif")] if names else told

    @staticmethod
    def _with_endpoints(lines: Iterable[str]) -> Iterator[tuple[Sequence[str], str]]:
        """Each line with the endpoints of which one has to be there; none: it always stands."""
        section: Sequence[str] = ()
        for line, following in itertools.pairwise([*lines, ""]):
            if line.startswith(OPEN):
                section = ()
            elif head := SECTION.match(line or following):  # a blank line belongs to the heading below it
                section = [it for it in head.groups() if it]
            drawn = DRAWN_ENDPOINT.match(line)
            if drawn:
                yield (users(drawn[1]) if drawn[1] else [drawn[2]] if drawn[2] else [*ENDPOINTS]), line
            else:
                yield section, line

    def _of_settings(self, page: Callable[[Any], str], agents: Sequence[type[Any]]) -> list[str]:
        """The lines of one page; where providers differ, one line for each."""
        described = replace(application, agents=agents)
        of_providers = {it: page(SettingsReference(described, it)).splitlines() for it in MODEL_EXAMPLES}
        made = []
        for lines in zip(*of_providers.values(), strict=True):
            if len(set(lines)) == 1:
                made.append(self._with_language(lines[0]))
                continue
            for provider, line in zip(of_providers, lines, strict=True):
                made += [self._tag(f"if cookiecutter.llm_provider == '{provider}'"), line, self._tag("endif")]
        return made

    def _merged(self, one: Sequence[str], other: Sequence[str]) -> Iterator[str]:
        """A page with the example agents and one without: what differs stands between conditions."""
        for kind, a, b, c, d in difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
            if kind == "equal":
                yield from one[a:b]
                continue
            for condition, lines in (("if", one[a:b]), ("if not", other[c:d])):
                if lines:
                    yield self._tag(f"{condition} cookiecutter.example_agents")
                    yield from lines
                    yield self._tag("endif")

    @staticmethod
    def _tag(code: str) -> str:
        return f"{OPEN}{code}{CLOSE}"

    @staticmethod
    def _with_language(line: str) -> str:
        for fixed, template in LANGUAGE_LINES.items():
            if line == fixed or (line.startswith("| `LANGUAGE`") and line.endswith(fixed)):
                return line.replace(fixed, template)
        return line


def main(arguments: Sequence[str]) -> int:
    """Write the pages, or with `--check` compare them; the exit code."""
    stale = 0
    for name, wanted in Pages().texts().items():
        file = PROJECT / name
        found = file.read_text(encoding="utf-8") if file.exists() else ""
        if found == wanted:
            continue
        stale = 1
        if "--check" in arguments:
            difference = difflib.unified_diff(
                found.splitlines(), wanted.splitlines(), name, "what makes it", lineterm=""
            )
            print("\n".join(difference))
        else:
            file.parent.mkdir(exist_ok=True)
            file.write_text(wanted, encoding="utf-8", newline="\n")
            print(f"wrote {name}")
    return stale if "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
