"""The template's own pages and workflows say what is true."""

import re

import yaml

from tools.questions import ROOT, Questions
from tools.scratch import tracked_files

PAGES = [name for name in tracked_files() if name.endswith(".md") and not name.startswith("{{")]
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")


def test_every_link_between_the_pages_leads_somewhere() -> None:
    broken = []
    for name in PAGES:
        links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (ROOT / name).read_text(encoding="utf-8"))
        broken += [f"{name}: {link}" for link in links if not (ROOT / name).parent.joinpath(link).exists()]
    assert broken == []


def test_the_reference_names_every_question_and_every_answer() -> None:
    page = (ROOT / "docs/reference.md").read_text(encoding="utf-8")
    questions = Questions.read().defaults
    assert [name for name in questions if f"`{name}`" not in page] == []
    answers = {str(answer) for value in questions.values() if isinstance(value, list) for answer in value}
    assert [answer for answer in answers if answer not in page] == []


def test_the_contributing_page_and_the_workflow_name_every_session() -> None:
    noxfile = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    sessions = re.findall(r"@nox\.session\ndef (\w+)", noxfile)
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert [name for name in sessions if f"| `{name}` |" not in page] == []
    gate = re.search(r"options\.sessions = \[(.*)\]", noxfile)
    assert gate
    workflow = yaml.safe_load((ROOT / ".github/workflows/checks.yml").read_text(encoding="utf-8"))
    assert workflow["jobs"]["session"]["strategy"]["matrix"]["session"] == re.findall(r'"(\w+)"', gate[1])


def test_every_action_of_every_workflow_is_pinned_by_commit() -> None:
    workflows = [name for name in tracked_files() if "/workflows/" in f"/{name}"]
    used = [
        (name, action)
        for name in workflows
        for action in re.findall(r"uses: *(\S+)", (ROOT / name).read_text(encoding="utf-8"))
    ]
    assert used
    assert [(name, action) for name, action in used if not PINNED.fullmatch(action)] == []


def test_the_changelog_speaks_twice_for_each_release() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    entries = re.split(r"(?m)^## ", text)[1:]
    assert entries
    for entry in entries:
        assert "### For new projects" in entry
        assert "### For `copier update`" in entry
