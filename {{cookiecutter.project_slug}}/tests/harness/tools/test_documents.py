"""ARC-1, ARC-2: the pages follow the code, and docs/ builds only when everything in it is true and leads somewhere."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from harness.prompts.language import Language
from harness.runtime.agent import Agent, ToolCall, ToolMethod, ToolResult
from harness.settings import Configuration, Settings
from harness.sources.policy import Policy
from tests.support.agents import TEST_AGENTS
from tools.documents.__main__ import Pages
from tools.documents.c4 import C4
from tools.documents.mermaid import Arrow, Box, Diagram, Label
from tools.documents.modules import ModuleMap
from tools.documents.package import PROJECT, Package, Unnamed
from tools.documents.site import MISSING, Site

needs_tools = pytest.mark.skipif(not Site.is_installed(), reason=MISSING)

needs_rendered = pytest.mark.skipif(
    "{" in PROJECT.name, reason="in the template itself the pages hold its conditions"
)


@pytest.fixture(scope="module")
def package() -> Package:
    return Package.read()


def page(package: Package, *agents: type[Agent[Any]]) -> str:
    return "\n".join(C4(package, agents).lines())


def planted(folder: Path, **files: str) -> Package:
    """A package with these modules; `__` stands for a slash."""
    for name, text in files.items():
        file = folder / f"{name.replace('__', '/')}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return Package.read(folder)


class Billing(TEST_AGENTS[0]):  # type: ignore[misc, valid-type]
    """An agent that one could add tomorrow."""

    name: ClassVar[str] = "billing"
    description: ClassVar[dict[Language, str]] = {"en": 'Says "what" is {owed}.', "es": "Deudas."}
    settings_class = Configuration

    def policy(self) -> Policy:
        return Policy(
            tools=frozenset({"owed"}),
            hosts=frozenset({"billing.example.com"}),
            methods=frozenset({"GET", "POST"}),
            database="postgresql://reader@db/bills",
            tables=frozenset({"invoices"}),
        )

    def tool_methods(self) -> Sequence[ToolMethod]:
        async def owed() -> ToolResult:
            """What is owed."""
            return ToolResult({})

        return [owed]

    def plan_without_model(self, question: str, language: Language) -> Sequence[ToolCall]:
        return [ToolCall("owed")]


@needs_rendered
@pytest.mark.checklist("ARC-1", "ARC-2")
def test_the_pages_of_this_project_say_what_its_code_says_whatever_is_set_here() -> None:
    command = [sys.executable, "-m", "tools.documents", "--check"]
    settings = {"DATABASE_URL": "memory://", "KNOWLEDGE_FOLDER": "/elsewhere", "LOG_LEVEL": "no"}
    environment = {**os.environ, "PYTHONPATH": "src", **settings}
    done = subprocess.run(
        command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.checklist("ARC-1")
def test_a_new_agent_is_in_the_diagrams_with_everything_it_may_reach(package: Package) -> None:
    before, after = page(package), page(package, Billing)
    assert "billing" not in before
    assert "<b>billing</b><br>[Agent: owed]" in after
    assert "<b>Sources of billing</b><br>[HTTPS: GET, POST]<br>billing.example.com" in after
    assert "postgresql table<br>invoices" in after
    assert (
        "| billing | `owed` |  | `billing.example.com` | `GET`, `POST` |  | `invoices` |" in after
    )


@pytest.mark.checklist("ARC-1")
def test_containers_doors_rooms_and_steps_are_those_of_the_code(package: Package) -> None:
    told = page(package)
    assert "[Store: sqlite by<br>DATABASE_URL]" in told
    assert "| `POST /v1/chat` | Answer one message." in told
    assert re.search(r"n_api\[\"<b>api</b><br>\[\d+ modules\]", told)
    assert "n_plan -.-> n_work" in told
    assert "| work | `before`, `language`, `task` | `degraded`, `outcomes` |" in told


@pytest.mark.checklist("ARC-1")
def test_a_new_import_between_rooms_is_a_new_arrow(tmp_path: Path) -> None:
    files = {f"{room}____init__": f'"""The {room}."""\n' for room in ("api", "graph", "llm")}
    files["api__app"] = '"""The app."""\nfrom ..graph import run\n'
    files["graph__run"] = '"""The run."""\nimport harness.models.failover\n'
    assert planted(tmp_path, **files).room_imports() == {
        "api": {"graph"},
        "graph": {"llm"},
        "llm": set(),
    }


def test_an_arrow_that_others_imply_is_left_out() -> None:
    imports = {"api": {"graph", "llm"}, "graph": {"llm"}, "llm": set()}
    assert set(C4._direct("api", imports["api"], imports)) == {"graph"}


@pytest.mark.checklist("ARC-1")
def test_a_setting_that_names_another_system_gets_a_box_by_itself(
    package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    class More(Settings):
        archive_url: str = ""
        """Where old answers go. Not yet."""

    monkeypatch.setattr("tools.documents.c4.Settings", More)
    assert "<b>ARCHIVE_URL</b><br>[Software system]<br>Where old answers go" in page(package)


@pytest.mark.checklist("ARC-1")
@pytest.mark.parametrize("change", ["edited", "gone"])
def test_a_page_that_says_something_else_is_stale(tmp_path: Path, change: str) -> None:
    (tmp_path / "docs").mkdir()
    texts = {"docs/c4.md": "one\n", "docs/modules.md": "two\n"}
    pages = Pages(tmp_path)
    pages.write(texts)
    assert pages.stale(texts) == []
    file = tmp_path / "docs" / "c4.md"
    file.write_text("other\n") if change == "edited" else file.unlink()
    assert pages.stale(texts) == ["docs/c4.md"]


# Put together here: a template engine reads this file too.
@pytest.mark.parametrize(
    "text",
    ['say "this"', "{" * 2 + " x " + "}" * 2, "{" + "% x %" + "}", "`x`", "<b>", "a|b", "#1 & 2\n"],
)
def test_no_text_of_a_box_means_anything_to_mermaid_or_to_a_template(text: str) -> None:
    told = Label.text(text)
    assert not set('"{}<>`|%&\n') & set(told)
    box = Box("end", "a", "b", text).line()
    assert box.startswith('n_end["<b>a</b><br>[b]<br>')


def test_an_optional_arrow_is_dotted() -> None:
    lines = [*Diagram([], [Arrow("a", "b"), Arrow("a", "c", "now", is_optional=True)]).lines()]
    assert lines[2:-1] == ["    n_a --> n_b", '    n_a -.->|"now"| n_c']


@pytest.mark.checklist("ARC-2")
def test_every_module_is_on_the_map_with_its_first_sentence(package: Package) -> None:
    told = "\n".join(ModuleMap(package).lines())
    files = [file.relative_to(PROJECT / "src" / "app") for file in (PROJECT / "src").rglob("*.py")]
    assert len(files) > 20
    assert [file for file in files if f"| `{file.as_posix()}` | " not in told] == []
    assert "| `graph/plan.py` | The plan node: " in told


@pytest.mark.checklist("ARC-2")
def test_a_module_that_says_nothing_about_itself_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(Unnamed, match="src/harness/http/mute.py has no docstring"):
        planted(tmp_path, api____init__='"""The door."""\n', api__mute="X = 1\n")


# The site


@pytest.fixture
def site_folder(tmp_path: Path) -> Path:
    """A copy of what the site is made from, its settings as in a project."""
    for name in ("docs", "tools/documents"):
        shutil.copytree(PROJECT / name, tmp_path / name)
    for page in (tmp_path / "docs").rglob("*.md"):  # the template's conditions, where this is it
        text = page.read_text(encoding="utf-8")
        page.write_text(re.sub(r"(?m)^\{[%].*\}\n", "", text), encoding="utf-8")
    text = (PROJECT / "properdocs.yml").read_text(encoding="utf-8")
    text = re.sub(r"(?m)^(site_\w+): '\{.*$", r"\1: planted", text)
    (tmp_path / "properdocs.yml").write_text(text, encoding="utf-8")
    return tmp_path


@needs_tools
@pytest.mark.checklist("ARC-2")
def test_the_documentation_builds_strictly_and_asks_no_other_host(site_folder: Path) -> None:
    (site_folder / "docs" / "new.md").write_text(
        "# A new page\n\n```mermaid\nflowchart LR\n  a-->b\n```\n"
    )
    site = Site(site_folder)
    done = site.build()
    assert done.returncode == 0, done.stdout
    assert list(site.requests()) == []
    built = site_folder / "build" / "docs"
    assert "A new page" in (built / "index.html").read_text(encoding="utf-8")  # in the navigation
    new = (built / "new.html").read_text(encoding="utf-8")
    assert '<svg id="diagram-' in new
    assert "flowchart LR" not in new


@needs_tools
@pytest.mark.checklist("ARC-2")
@pytest.mark.parametrize(
    "target", ["missing.md", "architecture.md#nowhere", "/absolute.md", "../README.md"]
)
def test_a_link_that_leads_nowhere_fails_the_build_by_name(site_folder: Path, target: str) -> None:
    (site_folder / "docs" / "new.md").write_text(f"# New\n\n[a link]({target})\n")
    done = Site(site_folder).build()
    assert done.returncode != 0
    assert target in done.stdout


@pytest.mark.checklist("ARC-2")
@pytest.mark.parametrize(
    "planted",
    [
        '<script src="https://cdn.example.com/x.js"></script>',
        '<link rel="stylesheet" href="//cdn.example.com/x.css">',
        '<img alt="" src="http://example.com/x.png">',
    ],
)
def test_a_page_that_fetches_from_another_host_is_named(tmp_path: Path, planted: str) -> None:
    folder = tmp_path / "build" / "docs"
    folder.mkdir(parents=True)
    (folder / "a.html").write_text('<a href="https://example.com">read</a><img src="own.png">')
    assert list(Site(tmp_path).requests()) == []
    (folder / "b.html").write_text(planted)
    assert [line.partition(" ")[0] for line in Site(tmp_path).requests()] == ["b.html"]
