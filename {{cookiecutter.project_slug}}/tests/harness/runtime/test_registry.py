"""Agents are found by their files and folders, and what is wrong with one is named."""

import sys
from pathlib import Path

import pytest

from harness.errors import ConfigurationError
from harness.runtime.registry import Registry

SMALL = """
from harness import Agent
class Billing(Agent):
    description = "Invoices."
    prompt = "Answer."
"""

MADE = """
from tests.support.agents import MoonsAgent
BILLING = type("Made", (MoonsAgent,), {"name": "billing", "__module__": "harness.runtime.agent"})
"""

AGENT = """
from tests.support.agents import MoonsAgent
class {cls}(MoonsAgent):
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
def test_a_folder_that_is_no_agent_is_named_with_its_problem(folders: Folders, names: list[str], told: str) -> None:
    folders.agent("billing", *names)
    with pytest.raises(ConfigurationError, match=rf"agents/billing/agent\.py: .*{told}"):
        folders.find()


def test_what_an_agent_lacks_is_listed(folders: Folders) -> None:
    folders.agent("billing")
    text = "from harness import Agent\nclass Billing(Agent):\n    name = 'billing'\n"
    folders.write("billing/agent.py", text)
    with pytest.raises(ConfigurationError, match="Billing lacks description, prompt"):
        folders.find()


def test_an_error_inside_an_agent_is_shown_and_not_swallowed(folders: Folders) -> None:
    folders.agent("billing", "billing")
    folders.write("billing/agent.py", "import a_module_that_is_not_there\n")
    with pytest.raises(ModuleNotFoundError, match="a_module_that_is_not_there"):
        folders.find()


def test_a_file_is_an_agent_of_its_name(folders: Folders) -> None:
    folders.write("billing.py", SMALL)
    folders.agent("zebra", "zebra")
    folders.write("shared.py", "from .billing import Billing\n")
    assert folders.find() == ["billing", "zebra"]


def test_what_is_wrong_with_a_file_is_named_too(folders: Folders) -> None:
    folders.write("billing.py", SMALL + "    name = 'invoices'\n")
    told = r"agents/billing\.py: Billing\.name is 'invoices', it must be 'billing' like its file; or leave it out"
    with pytest.raises(ConfigurationError, match=told):
        folders.find()


def test_an_agent_that_a_function_made_is_found_where_it_is_assigned(folders: Folders) -> None:
    folders.write("billing.py", MADE)
    assert folders.find() == ["billing"]
