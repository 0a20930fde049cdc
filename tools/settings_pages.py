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
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PROJECT = ROOT / "{{cookiecutter.project_slug}}"
sys.path.insert(0, str(PROJECT / "src"))

from app.agents import AGENTS  # noqa: E402  # the path is set above
from harness.cli.settings_reference import EnvPage, MarkdownPage, Section, SettingsReference  # noqa: E402
from harness.settings import MODEL_EXAMPLES  # noqa: E402

sys.path.insert(0, str(PROJECT))  # a script's own folder is on the path, not the template's `tools` package

from tools.documents.__main__ import c4  # type: ignore[import-not-found]  # noqa: E402

Page = type[EnvPage] | type[MarkdownPage]
PAGES: dict[str, Page] = {".env.example": EnvPage, "docs/configuration.md": MarkdownPage}

OPEN, CLOSE = "{" + "% ", " %" + "}"
LANGUAGE = "{" + "{ cookiecutter.language }" + "}"
LANGUAGE_LINES = {
    "# LANGUAGE=en": f"# LANGUAGE={LANGUAGE}",
    "| `en` | en, es |": f"| `{LANGUAGE}` | en, es |",
}


def example_agents() -> set[str]:
    """The names of the agents that a project may leave out."""
    features = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))["_features"]
    examples = [path.strip("/") for path in features["example agents"]["paths"]]
    return {agent.name for agent in AGENTS if f"src/app/agents/{agent.name}" in examples}


def starter() -> type[Any]:
    """The agent that a project has in place of the examples; Python does not find it here by its name."""
    file = PROJECT / "src/app/agents/about/{{cookiecutter._starter}}.py"
    spec = importlib.util.spec_from_file_location("app.agents.about.agent", file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    agent: type[Any] = module.AboutAgent
    return agent


class CodePages:
    """The page made from the code, the same for every answer but the example agents."""

    def texts(self) -> Mapping[str, str]:
        """File name -> template text."""
        kept = [agent for agent in AGENTS if agent.name not in example_agents()]
        return {"docs/c4.md": "\n".join(self._merged(c4(AGENTS), c4([*kept, starter()]))) + "\n"}

    @staticmethod
    def _merged(with_all: str, without: str) -> Iterator[str]:
        """Both pages in one: what differs stands between conditions."""
        one, other = with_all.splitlines(), without.splitlines()
        for kind, a, b, c, d in difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
            if kind == "equal":
                yield from one[a:b]
                continue
            for condition, lines in (("if", one[a:b]), ("if not", other[c:d])):
                if lines:
                    yield f"{OPEN}{condition} cookiecutter.example_agents{CLOSE}"
                    yield from lines
                    yield f"{OPEN}endif{CLOSE}"


class TemplatePage:
    """One page as template text."""

    def __init__(self, page: Page) -> None:
        self._example_titles = {f"Agent {name}" for name in example_agents()}
        self._page = page
        self._sections = {provider: list(SettingsReference(AGENTS, provider).sections()) for provider in MODEL_EXAMPLES}

    def text(self) -> str:
        """The whole page."""
        lines = list(self._page.HEAD)
        for of_providers in zip(*self._sections.values(), strict=True):
            section = list(self._section(of_providers))
            if of_providers[0].title in self._example_titles:
                section = [self._tag("if cookiecutter.example_agents"), *section, self._tag("endif")]
            lines += section
        return "\n".join(lines) + "\n"

    def _section(self, of_providers: Sequence[Section]) -> Iterator[str]:
        """The lines of one section; where providers differ, one line for each."""
        variants = [list(self._page.lines(section)) for section in of_providers]
        for lines in zip(*variants, strict=True):
            if len(set(lines)) == 1:
                yield self._with_language(lines[0])
                continue
            for provider, line in zip(self._sections, lines, strict=True):
                yield self._tag(f"if cookiecutter.llm_provider == '{provider}'")
                yield line
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
    pages = {name: TemplatePage(page).text() for name, page in PAGES.items()}
    for name, wanted in {**pages, **CodePages().texts()}.items():
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
