"""Generated projects are installed as their users install them, and pass their own whole check.

One process checks the project with everything, another the rest: what takes one core in one meets what takes two.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.answers import TEXTS
from tests.template import FIGURES, Project, Template
from tools import guards
from tools.installed import install_project
from tools.installed import interpreter as own_interpreter
from tools.podman import install_packages
from tools.questions import ROOT, Questions

# Each is installed and checked: minutes a row, so three rows that are far apart.
SPANISH = {"language": "es", "python_version": "3.11"}
ROWS: dict[str, dict[str, Any]] = {
    "everything": {"llm_provider": "anthropic", "aws": True, "langgraph_platform": True, **TEXTS["quotes"]},
    "minimal-spanish": {
        "example_agents": False,
        **dict.fromkeys(("mcp_endpoint", "a2a_endpoint", "openai_endpoint", "agui_endpoint"), False),
        "ci": "none",
        "license": "Proprietary",
        "llm_provider": "ollama",
        **SPANISH,
        **TEXTS["longest"],
    },
    "spanish": SPANISH,
}
# The tests that know the example agents or what a project says of itself; the others run in the rows above.
OF_AGENTS = (
    "agents",
    "harness/cli",
    "harness/prompts",
    "harness/structure",
    "harness/guards/test_rates.py",
    "conformance/test_off_domain.py",
    "conformance/test_service_over_http.py",
)
MINUTES = 60.0
# Boxes that need a tool or an installation of their own, which this row has.
PROVEN_HERE = ("ARC-1", "ARC-2", "SEC-1", "SEC-2", *(() if os.name == "nt" else ("ARC-3",)))


def environment() -> dict[str, str]:
    """What a project sees of this environment: no other Python."""
    ours = ("VIRTUAL_ENV", "PYTHON", "NOX", "PYTEST_XDIST")
    return {key: value for key, value in os.environ.items() if not key.startswith(ours)}


def brief(told: str) -> str:
    """What failed, first, and how it ended: the whole is thousands of lines."""
    lines = told.splitlines()
    signs = re.compile(r"E   |FAILED|ERROR|(?:failed|unproven) +[A-Z]|.*\b(?:Error|error|refused)\b")
    failed = [line for line in lines if signs.match(line)]
    return "\n".join([*failed[:40], "[...]", *lines[-60:]])


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Two processes must not ask the package manager at once."""
    with lock.open("w") as file:
        if sys.platform != "win32":
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def run(
    project: Project, *command: str, minutes: float = 40, settings: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The command in the project, with what it said."""
    return subprocess.run(
        command,
        cwd=project.folder,
        env={**environment(), **(settings or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        timeout=minutes * MINUTES,
    )


def row(name: str) -> Any:
    group = "everything" if name == "everything" else "the rest"
    return pytest.param(name, id=name, marks=pytest.mark.xdist_group(group))


@pytest.fixture(scope="module", params=[row(name) for name in ROWS])
def installed(request: pytest.FixtureRequest, template: Template, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """One project, committed to git and installed; the packages come from uv's one cache."""
    into = tmp_path_factory.mktemp("home")
    engine = "copier" if request.param == "minimal-spanish" else "cookiecutter"
    project = template.with_engine(engine, into, {"project_slug": "travel-desk", **ROWS[request.param]})
    project.commit("Generated")
    install(project)
    if getattr(os, "geteuid", lambda: -1)() == 0 and shutil.which("apt-get"):
        # PostgreSQL and Redis, from the distribution's packages; without them the tests that need them are skipped.
        with alone(tmp_path_factory.getbasetemp().parent / "packages.lock"):
            install_packages("postgresql", "redis-server", "prometheus")
    return project


def install(project: Project) -> None:
    """As its user does; the Python below this environment is the one that is asked."""
    done = install_project(project.folder)
    assert done.returncode == 0, brief(done.stdout)


# What costs time and is the same in every row.
only_everything = pytest.mark.parametrize("installed", [row("everything")], indirect=True)
only_spanish = pytest.mark.parametrize("installed", [row("spanish")], indirect=True)


def interpreter(project: Project) -> Path:
    return own_interpreter(project.folder)


def project_nox(project: Project, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return run(project, str(interpreter(project)), "-m", "nox", *arguments, settings=settings)


@contextmanager
def vulnerability_service(project: Project) -> Iterator[str]:
    """The address of the project's own peer, which speaks OSV's protocol: no test here asks the real one."""
    command = [str(interpreter(project)), "-m", "tests.support.peers.osv_service"]
    with subprocess.Popen(
        command, cwd=project.folder, env=environment(), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        yield process.stdout.readline().strip()
        process.communicate()  # it ends with its input


def test_the_lowest_python_on_offer_is_the_one_of_this_run() -> None:
    """The Spanish rows show that the floor is real only when they run there."""
    lowest = Questions.read().defaults["python_version"][0]
    if sys.version.split(".")[:2] != lowest.split("."):
        pytest.skip(f"this is Python {sys.version.split()[0]}, the floor is {lowest}")
    assert SPANISH["python_version"] == lowest


CHECKS = (("lint",), ("types",), ("generate", "--", "--check"))


@pytest.mark.parametrize("installed", [row("minimal-spanish")], indirect=True)
def test_a_new_project_with_as_little_as_can_be_passes_its_checks(installed: Project) -> None:
    """Coverage is measured in the row with everything: it takes as long as the tests themselves."""
    with vulnerability_service(installed) as address:
        for session in (*CHECKS, ("docs",), ("security",), ("test", "--", "-n", "1")):
            done = project_nox(installed, "-s", *session, OSV_URL=address)
            assert done.returncode == 0, brief(done.stdout)


@only_spanish
def test_the_example_agents_pass_their_checks_in_spanish_too(installed: Project) -> None:
    tests = [f"tests/{name}" for name in OF_AGENTS]
    for session in (("generate", "--", "--check"), ("test", "--", "-n", "1", *tests)):
        done = project_nox(installed, "-s", *session)
        assert done.returncode == 0, brief(done.stdout)


@only_everything
def test_a_new_project_with_everything_passes_it_and_reports_its_readiness(installed: Project) -> None:
    """The same, its tests run once: `readiness` runs all of them, with the coverage gate and every tool installed.

    `load` and `fuzz` go first: they install what the tests of both need, which are skipped in the other rows.
    """
    told = ""
    first = (("load", "--", "--seconds", "3"), ("fuzz", "--", "--examples", "3"))
    checks = (*CHECKS, ("docs",), ("security",), ("readiness",))
    with vulnerability_service(installed) as address:
        for session in (*first, *checks):
            done = project_nox(installed, "-s", *session, OSV_URL=address, TEST_FRESH_CLONE="1")
            told += done.stdout
            assert done.returncode == 0, brief(done.stdout)
    print(told)
    assert " passed" in told
    assert "OBS-5" in told
    report = json.loads(installed.read("readiness/report.json"))
    states = {box["id"]: box["state"] for box in report["boxes"]}
    assert {box: states[box] for box in PROVEN_HERE} == dict.fromkeys(PROVEN_HERE, "proven")


EVALUATED_SECONDS = 60

WITHOUT_NETWORK = """
import socket, sys, time
from harness import main

def refuse(host, *_, **__):
    raise AssertionError(f"asked for {host}")

socket.getaddrinfo = refuse
socket.socket.connect = lambda _, address: refuse(address)
began = time.monotonic()
code = main(["evaluate", *sys.argv[1:]])
print(f"evaluated in {time.monotonic() - began:.1f} s")
sys.exit(code)
"""


@only_everything
def test_a_new_project_is_evaluated_with_no_key_and_no_network_within_a_minute(installed: Project) -> None:
    """After the readiness report, whose environment has Fairlearn."""
    assert project_nox(installed, "-s", "evaluate", "--", "--model", "embedded", "--only", "examples/").returncode == 0
    python = interpreter(installed).relative_to(installed.folder / ".venv")
    command = (str(installed.folder / ".nox" / "readiness" / python), "-c", WITHOUT_NETWORK)
    done = run(installed, *command)
    print(brief(done.stdout))
    assert done.returncode == 0, brief(done.stdout)
    report = json.loads(installed.read("var/evaluation/report.json"))
    assert {kind for kind, it in report["figures"].items() if it["passed"]} == set(report["figures"])
    (seconds,) = re.findall(r"evaluated in ([\d.]+) s", done.stdout)
    assert float(seconds) < EVALUATED_SECONDS
    installed.write("evaluation/cases/wrong.yaml", "cases:\n- {ask: What is the price of a helmet, facts: [1000]}\n")
    wrong = run(installed, *command, "--only", "own/")
    (installed.folder / "evaluation/cases/wrong.yaml").unlink()
    assert wrong.returncode == 1
    assert "FAILED own/what-is-the-price-of-a-helmet failed" in wrong.stdout


@only_spanish
def test_a_page_with_a_dead_link_fails_the_documentation_and_is_named(installed: Project) -> None:
    page = installed.folder / "docs" / "planted.md"
    page.write_text("# Planted\n\n[nowhere](nowhere.md)\n", encoding="utf-8")
    try:
        done = project_nox(installed, "-s", "docs")
    finally:
        page.unlink()
    assert done.returncode != 0
    assert "planted.md" in done.stdout


@pytest.mark.parametrize("installed", [row("minimal-spanish")], indirect=True)
def test_checking_and_formatting_change_no_file(installed: Project) -> None:
    """What a hook or a formatter rewrites would conflict at every update; the lock file is the only news."""
    done = project_nox(installed, "-s", "format")
    assert done.returncode == 0, brief(done.stdout)
    assert installed.changes() == ["?? uv.lock"]


@only_spanish
def test_the_wheel_holds_the_package_and_no_tests(installed: Project, tmp_path: Path) -> None:
    built = run(installed, str(interpreter(installed)), "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path))
    assert built.returncode == 0, built.stdout
    (wheel,) = tmp_path.glob("*.whl")
    shutil.unpack_archive(wheel, tmp_path / "unpacked", "zip")
    folders = {path.name for path in (tmp_path / "unpacked").iterdir() if not path.name.endswith(".dist-info")}
    assert folders == {"app", "harness"}


@only_spanish
def test_the_pages_made_from_the_settings_are_up_to_date_in_the_template(installed: Project) -> None:
    """Needs the service's dependencies, so the environment of a project runs it over the unrendered tree."""
    done = run(installed, str(interpreter(installed)), str(ROOT / "tools" / "settings_pages.py"), "--check")
    assert done.returncode == 0, brief(done.stdout)


@only_spanish
def test_the_picture_of_both_readmes_says_what_the_architecture_page_draws(installed: Project) -> None:
    """Its words: where they stand depends on the fonts of the machine that drew it."""
    before = installed.read("docs/overview.svg")
    built = project_nox(installed, "-s", "docs")  # which installs what draws it
    assert built.returncode == 0, brief(built.stdout)
    python = interpreter(installed).relative_to(installed.folder / ".venv")
    drawn = run(installed, str(installed.folder / ".nox" / "checks" / python), "-m", "tools.drawing")
    assert drawn.returncode == 0, drawn.stdout
    words = re.compile(r">([^<>{}]+)<")
    assert words.findall(installed.read("docs/overview.svg")) == words.findall(before)
    assert "audit" in words.findall(before)
    assert (ROOT / "docs" / "overview.svg").read_text(encoding="utf-8") == before


@only_spanish
def test_the_words_of_a_language_are_those_of_cldr_and_its_file_is_a_language_of_the_project(
    installed: Project,
) -> None:
    """The environment that builds the pages has babel."""
    assert project_nox(installed, "-s", "docs").returncode == 0
    python = installed.folder / ".nox" / "checks" / interpreter(installed).relative_to(installed.folder / ".venv")
    made, checked = (
        run(installed, str(python), str(ROOT / "tools" / "locale_data.py"), it) for it in ("pt", "--check")
    )
    assert checked.returncode == 0, checked.stdout
    assert re.match(r"# Portuguese\. From CLDR \d+ \(babel [\d.]+\)", made.stdout)
    file = installed.folder / "src" / "app" / "locale" / "pt.toml"
    file.parent.mkdir()
    try:
        file.write_text(made.stdout, encoding="utf-8")
        asked = "LanguageDetector('en').detect('Quanto custa isto hoje?'), Locale.load('pt').months[2][0]"
        code = f"from harness import LanguageDetector, Locale; print({asked})"
        told = run(installed, str(interpreter(installed)), "-c", code, settings={"PYTHONUTF8": "1"})
    finally:
        shutil.rmtree(file.parent)
    assert told.stdout.strip() == "pt março"


@only_spanish
def test_the_guards_find_and_refuse_what_is_wanted(
    installed: Project, record_property: Callable[[str, object], None]
) -> None:
    """On the sets of `tests/guards`, which no project carries."""
    measured = guards.measure(installed.folder)
    for line in measured.stdout.splitlines():
        if re.search(r"\d of \d", line):
            record_property(FIGURES, line)
    assert measured.returncode == 0, brief(measured.stdout)


@only_spanish
def test_the_projects_own_tools_do_what_they_say(installed: Project) -> None:
    """Their tests lie here and not in every project; they run in one, as if they lay there, under its settings."""
    inside = installed.folder / "tests" / "generated_tools"
    shutil.copytree(ROOT / "tests" / "generated_tools", inside, ignore=shutil.ignore_patterns("__pycache__"))
    try:
        tested = run(installed, str(interpreter(installed)), "-m", "pytest", "-n", "auto", "tests/generated_tools")
        typed = project_nox(installed, "-s", "types")  # the template's own `lint` has looked at the rest
    finally:
        shutil.rmtree(inside)
    assert tested.returncode == 0, brief(tested.stdout)
    assert typed.returncode == 0, brief(typed.stdout)
