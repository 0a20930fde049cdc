"""What every agent owes, yours too: examples that find it and that it answers, in both languages."""

import sys
from pathlib import Path
from typing import Any

import pytest

from app.agents import AGENTS, Registry
from app.errors import Misconfigured
from app.graph.contract import Agent
from app.graph.rules import RulesPlanner
from app.guardrails.grounding import Grounding
from app.prompts.language import LANGUAGES, Language, LanguageDetector
from tests.agents.conftest import Built

EXAMPLES = [
    pytest.param(agent, language, question, id=f"{agent.name}-{language}-{at}")
    for agent in AGENTS
    for language in LANGUAGES
    for at, question in enumerate(agent.examples[language])
]


@pytest.mark.parametrize(("agent", "language", "question"), EXAMPLES)
async def test_an_example_is_answered_from_sample_data_with_figures_that_the_data_hold(
    on_samples: Built, agent: type[Agent[Any]], language: Language, question: str
) -> None:
    answer, findings = await on_samples(agent).basic_answer(question, language)
    assert answer
    assert any(finding.sources for finding in findings)
    facts = [question, [finding.facts for finding in findings]]
    assert Grounding(facts).unsupported(answer) == []


@pytest.mark.parametrize(("agent", "language", "question"), EXAMPLES)
def test_an_example_finds_its_agent_and_its_language(
    on_samples: Built, agent: type[Agent[Any]], language: Language, question: str
) -> None:
    other: Language = "en" if language == "es" else "es"
    planner = RulesPlanner([on_samples(each) for each in AGENTS], max_tasks=4)
    plan = planner.plan(question, language, [])
    assert [task["agent"] for task in plan["tasks"]] == [agent.name]
    assert LanguageDetector(other).detect(question) == language


@pytest.mark.parametrize("agent", AGENTS)
def test_an_agent_speaks_both_languages(on_samples: Built, agent: type[Agent[Any]]) -> None:
    for language in LANGUAGES:
        assert agent.description[language]
        assert agent.keywords[language]
        assert len(agent.examples[language]) >= 2
        assert on_samples(agent).prompt.render(language)
    assert all(tool.description for tool in on_samples(agent).tools)


AGENT = """
from app.agents.knowledge.agent import KnowledgeAgent
class {cls}(KnowledgeAgent):
    name = "{name}"
"""


class Folders:
    """A package of agents written by a test."""

    def __init__(self, root: Path, package: str) -> None:
        self.root = root / package
        self.package = package
        self.write("__init__.py")

    def write(self, file: str, text: str = "") -> None:
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def agent(self, folder: str, *names: str) -> None:
        self.write(f"{folder}/__init__.py")
        classes = [AGENT.format(cls=f"Agent{at}", name=name) for at, name in enumerate(names)]
        self.write(f"{folder}/agent.py", "".join(classes))

    def find(self) -> list[str]:
        return [agent.name for agent in Registry(self.package, [str(self.root)]).find()]


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folders:
    package = f"agents_of_{tmp_path.name}"
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return Folders(tmp_path, package)


def test_agents_are_found_by_their_folders_and_sorted_by_name(folders: Folders) -> None:
    folders.agent("zebra", "zebra")
    folders.agent("billing", "billing")
    folders.write("shared/__init__.py")
    folders.write("notes.py")
    assert folders.find() == ["billing", "zebra"]


def test_no_agents_are_no_error(folders: Folders) -> None:
    assert folders.find() == []


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["invoices"], r"Agent0\.name is 'invoices', it must be 'billing' like its folder"),
        ([], "one class derived from Agent is expected, found: none"),
        (["billing", "billing"], "found: Agent0, Agent1"),
    ],
)
def test_a_folder_that_is_no_agent_is_named_with_its_problem(
    folders: Folders, names: list[str], told: str
) -> None:
    folders.agent("billing", *names)
    with pytest.raises(Misconfigured, match=rf"agents/billing/agent\.py: .*{told}"):
        folders.find()


def test_what_an_agent_lacks_is_listed(folders: Folders) -> None:
    folders.agent("billing")
    text = "from app.graph.contract import Agent\nclass Billing(Agent):\n    name = 'billing'\n"
    folders.write("billing/agent.py", text)
    with pytest.raises(Misconfigured, match="Billing lacks description, keywords, examples"):
        folders.find()


def test_an_error_inside_an_agent_is_shown_and_not_swallowed(folders: Folders) -> None:
    folders.agent("billing", "billing")
    folders.write("billing/agent.py", "import a_module_that_is_not_there\n")
    with pytest.raises(ModuleNotFoundError, match="a_module_that_is_not_there"):
        folders.find()
