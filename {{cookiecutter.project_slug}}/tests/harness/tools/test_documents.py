"""ARC-1, ARC-2: the C4 page follows the code, and docs/ builds only when everything in it leads somewhere."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import pytest

from harness.prompts.language import Language
from harness.runtime.agent import ToolCall, ToolMethod, ToolResult
from harness.settings import Configuration, Settings
from harness.sources.policy import Policy
from tests.support.agents import TEST_AGENTS
from tools.c4 import C4, Diagram, main

PROJECT = Path(__file__).resolve().parents[3]

needs_tools = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("properdocs", "mmdr")),
    reason="properdocs is not installed: run `nox -s docs`, which installs the group `checks`",
)

needs_rendered = pytest.mark.skipif("{" in PROJECT.name, reason="in the template itself the pages hold its conditions")


class Billing(TEST_AGENTS[0]):  # type: ignore[misc, valid-type]
    """An agent that one could add tomorrow."""

    name: ClassVar[str] = "billing"
    description: ClassVar[dict[Language, str]] = {"en": 'Says "what" is {owed}.', "es": "Deudas."}
    settings_class = Configuration

    def policy(self) -> Policy:
        return Policy(
            tools=frozenset({"owed"}),
            requires_approval=frozenset({"pay"}),
            hosts=frozenset({"billing.example.com"}),
            methods=frozenset({"GET", "POST"}),
            database="postgresql://reader@db/bills",
            tables=frozenset({"invoices"}),
        )

    def tool_methods(self) -> Sequence[ToolMethod]:
        async def owed() -> ToolResult:
            """What is owed."""
            return ToolResult({})

        async def pay() -> ToolResult:
            """Pays it."""
            return ToolResult({})

        return [owed, pay]

    def plan_without_model(self, question: str, language: Language) -> Sequence[ToolCall]:
        return [ToolCall("owed")]


@needs_rendered
@pytest.mark.checklist("ARC-1", "ARC-2")
def test_the_page_of_this_project_says_what_its_code_says_whatever_is_set_here() -> None:
    command = [sys.executable, "-m", "tools.c4", "--check"]
    settings = {"DATABASE_URL": "memory://", "KNOWLEDGE_FOLDER": "/elsewhere", "LOG_LEVEL": "no"}
    environment = {**os.environ, "PYTHONPATH": "src", **settings}
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.checklist("ARC-1")
def test_a_new_agent_is_in_the_diagrams_with_everything_it_may_reach() -> None:
    before, after = C4([]).text(), C4([Billing]).text()
    assert "billing" not in before
    assert "<b>billing</b><br>[Agent: owed, pay (a<br>person approves)]" in after
    sources = "<b>Sources of billing</b><br>[Software system]<br>billing.example.com"
    assert after.count(sources) == 2  # among the containers and beside its agent
    assert 'n_billing -.->|"HTTPS: GET, POST"| n_sources_billing' in after
    assert 'n_api -.->|"HTTPS: GET, POST"| n_sources_billing' in after
    assert "postgresql table<br>invoices" in after


@pytest.mark.checklist("ARC-1")
def test_containers_packages_and_steps_are_those_of_the_code() -> None:
    told = C4([]).text()
    assert "[Store: sqlite by<br>DATABASE_URL]" in told
    for file in (PROJECT / "src" / "harness").glob("*/__init__.py"):
        package = file.parent.name
        if package == "endpoints" and not [*file.parent.glob("*/__init__.py")]:
            continue  # each was left out
        is_drawn = f'n_harness_{package}["<b>{package}</b>' in told
        assert is_drawn or f"`{package}`" in told, package  # one that all import is named above
    assert "n_harness_service --> n_harness_application" in told
    assert "plan -.-> work;" in told


@pytest.mark.checklist("ARC-1")
def test_a_new_import_between_packages_is_a_new_arrow_and_a_longer_way_round_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = ("configuration", "errors", "project", "settings", "telemetry")
    files = dict.fromkeys((f"{name}.py" for name in shared), '"""All import it."""\n')
    files |= {f"{name}/__init__.py": f'"""The {name}: all of it."""\n' for name in ("http", "run", "model")}
    files["__init__.py"] = '"""Planted."""\n'
    files["http/app.py"] = "from ..model import chain\nfrom ..run import step\n"
    files["run/step.py"] = "import planted_harness.model.chain\n"
    files["model/chain.py"] = ""
    for name, text in files.items():
        file = tmp_path / "planted_harness" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    lines = C4.packages("planted_harness").splitlines()
    assert [line.strip() for line in lines if "-->" in line] == [
        "n_planted_harness_http --> n_planted_harness_run",
        "n_planted_harness_run --> n_planted_harness_model",
    ]
    assert '    n_planted_harness_run["<b>run</b><br>[Package]<br>The run"]:::component' in lines


@pytest.mark.checklist("ARC-1")
def test_a_setting_that_names_another_system_gets_a_box_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    class More(Settings):
        archive_url: str = ""
        """Where old answers go. Not yet."""

    monkeypatch.setattr("tools.c4.Settings", More)
    assert "<b>ARCHIVE_URL</b><br>[Software system]<br>Where old answers go" in C4([]).text()


@pytest.mark.checklist("ARC-1")
@pytest.mark.parametrize("change", ["edited", "gone"])
def test_a_page_that_says_something_else_is_stale(
    tmp_path: Path, change: str, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "docs" / "c4.md"
    page.parent.mkdir()
    assert main(tmp_path, "one\n", is_check=False) == 0
    assert main(tmp_path, "one\n", is_check=True) == 0
    page.write_text("other\n") if change == "edited" else page.unlink()
    assert main(tmp_path, "one\n", is_check=True) == 1
    assert "docs/c4.md no longer says" in capsys.readouterr().err
    assert page.exists() is (change == "edited")  # a check writes nothing


# Put together here: a template engine reads this file too.
@pytest.mark.parametrize(
    "text", ['say "this"', "{" * 2 + " x " + "}" * 2, "{" + "% x %" + "}", "`x`", "<b>", "a|b", "#1 & 2\n"]
)
def test_no_text_of_a_box_means_anything_to_mermaid_or_to_a_template(text: str) -> None:
    told = Diagram.label(text)
    assert not set('"{}<>`|%&\n') & set(told)
    diagram = Diagram()
    diagram.box("end", "a", "b", text)
    assert '    n_end["<b>a</b><br>[b]<br>' in diagram.text()


def test_an_optional_arrow_is_dotted() -> None:
    diagram = Diagram()
    diagram.arrow("a", "b")
    diagram.arrow("a", "c", "now", optional=True)
    assert diagram.text().splitlines()[2:4] == ["    n_a --> n_b", '    n_a -.->|"now"| n_c']


@pytest.mark.checklist("ARC-2")
def test_the_documentation_names_every_package_of_the_harness() -> None:
    told = (PROJECT / "docs" / "index.md").read_text(encoding="utf-8")
    harness = PROJECT / "src" / "harness"
    packages = {f"`{file.parent.name}/`" for file in harness.glob("*/__init__.py")}
    packages |= {f"`{file.name}`" for file in harness.glob("*.py")} - {"`__init__.py`"}
    assert len(packages) > 10
    assert {name for name in packages if f"| {name} | " not in told} == set()


@pytest.mark.checklist("ARC-2")
@pytest.mark.parametrize("name", ["mute.py", "__init__.py"])
def test_a_module_that_says_nothing_about_itself_is_refused_by_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "mute").mkdir()
    (tmp_path / "mute" / "__init__.py").write_text('"""A package."""\n')
    (tmp_path / "mute" / name).write_text("X = 1\n")
    lint = ("ruff", "check", "--no-cache", "--config", str(PROJECT / "src" / "harness" / "ruff.toml"), ".")
    done = subprocess.run([sys.executable, "-m", *lint], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"mute/{name}:1:1" in done.stdout.replace("\\", "/")
    assert re.search(r"D10[04] Missing docstring in public (module|package)", done.stdout)


# The site


@pytest.fixture
def site_folder(tmp_path: Path) -> Path:
    """A copy of what the site is made from, its settings as in a project."""
    for name in ("docs", "tools"):
        shutil.copytree(PROJECT / name, tmp_path / name)
    for page in (tmp_path / "docs").rglob("*.md"):  # the template's conditions, where this is it
        text = page.read_text(encoding="utf-8")
        page.write_text(re.sub(r"(?m)^\{[%].*\}\n", "", text), encoding="utf-8")
    text = (PROJECT / "properdocs.yml").read_text(encoding="utf-8")
    text = re.sub(r"(?m)^(site_\w+): '\{.*$", r"\1: planted", text)
    (tmp_path / "properdocs.yml").write_text(text, encoding="utf-8")
    return tmp_path


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    """What `nox -s docs` runs."""
    session = (PROJECT / "noxfile.py").read_text(encoding="utf-8").partition("def docs(")[2]
    found = re.search(r"(?m)^    python\(session, (.*\"properdocs\", .*)\)$", session)
    assert found, "the session `docs` builds nothing"
    command = [sys.executable, *re.findall(r"\"(.*?)\"", found[1])]
    return subprocess.run(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", check=False
    )


@needs_tools
@pytest.mark.checklist("ARC-2")
def test_the_documentation_builds_strictly_and_asks_no_other_host(site_folder: Path) -> None:
    (site_folder / "docs" / "new.md").write_text(
        "# A new page\n\n[elsewhere](https://example.com)\n\n```mermaid\nflowchart LR\n  a-->b\n```\n"
    )
    done = build(site_folder)
    assert done.returncode == 0, done.stdout
    built = site_folder / "build" / "docs"
    assert "A new page" in (built / "index.html").read_text(encoding="utf-8")  # in the navigation
    new = (built / "new.html").read_text(encoding="utf-8")
    assert '<svg id="diagram-' in new
    assert "flowchart LR" not in new


@needs_tools
@pytest.mark.checklist("ARC-2")
def test_links_that_lead_nowhere_and_files_of_other_hosts_fail_the_build_by_name(site_folder: Path) -> None:
    planted = [
        *("[a](missing.md)", "[b](build.md#nowhere)", "[c](/absolute.md)", "[d](../README.md)"),
        '<script src="https://cdn.example.com/x.js"></script>',
        '<link rel="stylesheet" href="//cdn.example.com/x.css">',
        '<img alt="" src="http://example.com/x.png">',
    ]
    for number, text in enumerate(planted):
        (site_folder / "docs" / f"planted{number}.md").write_text(f"# New\n\n{text}\n")
    done = build(site_folder)
    warnings = [line for line in done.stdout.splitlines() if "WARNING" in line]
    assert done.returncode != 0
    for number in range(len(planted)):
        assert len([line for line in warnings if f"planted{number}.md" in line]) == 1, done.stdout
    assert len(warnings) == len(planted), done.stdout
