r"""Every check by name. They run in .venv, which `make install` makes; what needs more runs in `.nox/NAME`.

With make: `make NAME`. Without: `.venv/bin/nox -s NAME`, on Windows `.venv\Scripts\nox -s NAME`.
What follows `--` goes to the tool: `nox -s test -- -k agents`.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nox

nox.needs_version = ">=2026.1"
nox.options.default_venv_backend = "none"
nox.options.sessions = ["check"]

# nox itself runs from the environment, so its Python is the environment's.
PYTHON = sys.executable
# Written by the settings classes; `check` fails when a file no longer says what they say.
GENERATED = {".env.example": "env", "docs/configuration.md": "markdown"}
IMPORTS = "import sys; from importlinter.cli import lint_imports_command as main; sys.exit(main())"
SCRIPTS = "Scripts" if sys.platform == "win32" else "bin"
# What started this, the machine's own, or the one that `make install` has brought; told to every tool.
UV = os.environ.setdefault("UV", shutil.which("uv") or str(Path(f".nox/uv/{SCRIPTS}/uv").resolve()))
# A mirror that pip is told of is uv's too, unless uv is told of its own; make does the same.
for variable, old, pip in (
    ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"),
    ("UV_INDEX", "UV_EXTRA_INDEX_URL", "PIP_EXTRA_INDEX_URL"),
    ("UV_INSECURE_HOST", "UV_INSECURE_HOST", "PIP_TRUSTED_HOST"),
):
    if os.environ.get(pip) and not os.environ.get(old):
        os.environ.setdefault(variable, os.environ[pip])
ALONE = ("--no-default-groups", "--group=build")
GROUPS = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]


def feature(file: str) -> Callable[[Any], Any]:
    """A session of something that was chosen at generation: it is there where its file is."""
    return nox.session if Path(file).exists() else lambda session: session


def python(session: nox.Session, *arguments: str, of: str = PYTHON) -> None:
    """Runs one command of the environment's Python, or of another's."""
    session.run(of, *arguments, external=True)


def environment(session: nox.Session, name: str, *options: str) -> str:
    """The Python of an environment beside .venv, brought to what uv.lock says."""
    folder = f".nox/{name}"
    settings = {"UV_PROJECT_ENVIRONMENT": folder, "UV_PYTHON": PYTHON}
    session.run(UV, "sync", "--quiet", "--locked", *options, env=settings, external=True)
    return f"{folder}/{SCRIPTS}/python"


def checks(session: nox.Session) -> str:
    """The Python of the environment that has the tools of every check, and of the tests."""
    groups = [group for group in ("checks", "load") if group in GROUPS]
    return environment(session, "checks", *(f"--group={group}" for group in groups))


def figures(session: nox.Session) -> str:
    """The same with what compares groups of people, 256 MB."""
    groups = [group for group in ("checks", "evaluation", "load") if group in GROUPS]
    return environment(session, "readiness", *(f"--group={group}" for group in groups))


def locked(session: nox.Session, name: str, file: str) -> str:
    """The Python of an environment that a file pins by hash, apart from the service's packages."""
    folder = f".nox/{name}"
    own = f"{folder}/{SCRIPTS}/python"
    session.run(UV, "venv", "--quiet", "--allow-existing", f"--python={PYTHON}", folder, external=True)
    session.run(UV, "pip", "sync", "--quiet", f"--python={own}", "--require-hashes", file, external=True)
    return own


@nox.session
def dev(session: nox.Session) -> None:
    """Serve on 127.0.0.1 and start again when a file changes."""
    python(session, "-m", "app", "serve", "--reload", *session.posargs)


@nox.session
def test(session: nox.Session) -> None:
    """The owner's tests with the coverage gate, and the conformance suite; or the tests named after `--`.

    The harness has unit tests of its own, which `readiness` runs. Many of the suite's tests wait for
    a timeout, so there are two processes a core.
    """
    if session.posargs:
        python(session, "-m", "pytest", *session.posargs)
        return
    spread = ("-q", "--dist", "loadfile", "-n")  # what a module starts, it starts once
    suites = ("--ignore=tests/harness", "--ignore=tests/conformance")
    python(session, "-m", "pytest", "tests", *suites, "--cov=app", *spread, "auto")
    workers = str(2 * (os.cpu_count() or 1))
    python(session, "-m", "pytest", "tests/conformance", *spread, workers)


@nox.session
def lint(session: nox.Session) -> None:
    """Check sealed files, format, lint, imports, merge markers and secrets."""
    python(session, "tools/seal.py")  # first: who has changed one wants to know that before its format
    python(session, "-m", "isort", "--check-only", ".")
    python(session, "-m", "black", "--check", ".")
    python(session, "-m", "ruff", "check", ".")
    python(session, "-c", IMPORTS, "tools/imports.toml", "--no-cache")
    python(session, "tools/scan.py")


@nox.session
def advice(session: nox.Session) -> None:
    """Say what the rules of src/harness would say about src/app; fails nothing."""
    python(session, "-m", "tests.harness.structure")


@nox.session(name="format")
def format_(session: nox.Session) -> None:
    """Order the imports, format, and mend what ruff can mend."""
    python(session, "-m", "ruff", "check", "--fix-only", "--quiet", ".")
    python(session, "-m", "isort", "--quiet", ".")
    python(session, "-m", "black", "--quiet", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check the types, strictly."""
    python(session, "-m", "mypy", *session.posargs)


@nox.session
def generate(session: nox.Session) -> None:
    """Write the pages that come from the code and its settings; with --check, only compare."""
    for name, kind in GENERATED.items():
        command = [PYTHON, "-m", "app", "settings", "--format", kind]
        wanted = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.decode()
        wanted = wanted.replace("\r\n", "\n")
        file = Path(name)
        found = file.read_text(encoding="utf-8") if file.exists() else ""
        if found == wanted:
            session.log(f"{name} is up to date")
        elif "--check" in session.posargs:
            session.error(f"{name} no longer says what the settings say: run `nox -s generate`")
        else:
            file.write_text(wanted, encoding="utf-8", newline="\n")
            session.log(f"wrote {name}")
    python(session, "-m", "tools.c4", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build docs/ into build/docs: stale pages, dead links and files of other hosts fail it."""
    tools = checks(session)
    python(session, "-m", "tools.c4", "--check", of=tools)
    python(session, "-m", "properdocs", "build", "--strict", "--clean", of=tools)


@nox.session
def security(session: nox.Session) -> None:
    """Scan code, locked versions and files; -- URL asks another vulnerability service."""
    python(session, "-m", "tests.harness.security", *session.posargs, of=checks(session))


@feature("tests/harness/load")
def load(session: nox.Session) -> None:
    """Ask a service of its own for ten seconds, fail on errors; -- --users 50 --host URL."""
    locust = environment(session, "load", *ALONE, "--group=load")
    python(session, "-m", "tests.harness.load", *session.posargs, of=locust)


@feature("tests/harness/abuse")
def abuse(session: nox.Session) -> None:
    """Attack the service a thousand times with a model that obeys everything; prints the figures."""
    python(session, "-m", "pytest", "-q", "-m", "", "tests/harness/abuse", *session.posargs)


@feature("tests/harness/fuzz")
def fuzz(session: nox.Session) -> None:
    """Send a service of its own what its API's description allows and what it does not."""
    schemathesis = environment(session, "fuzz", *ALONE, "--group=fuzz")
    python(session, "-m", "tests.harness.fuzz", *session.posargs, of=schemathesis)


@feature("tests/harness/endpoints/mcp")
def mcp(session: nox.Session) -> None:
    """Run the conformance suite of MCP against a service of its own; needs Node 22 or newer, or -- --node PATH."""
    python(session, "-m", "tests.harness.endpoints.mcp.conformance", *session.posargs)


@nox.session
def guards(session: nox.Session) -> None:
    """Measure the guards: attacks found, harmless texts refused, time; a table per corpus."""
    python(session, "-m", "tests.harness.guards.rates", *session.posargs)


@nox.session
def evaluate(session: nox.Session) -> None:
    """Ask the cases of evaluation/ and every agent's examples; -- --model openai:gpt-5-mini --samples 3, -- --accept."""
    python(session, "-m", "app", "evaluate", *session.posargs, of=figures(session))


@nox.session
def judge(session: nox.Session) -> None:
    """Judge what `evaluate` recorded by Ragas and TruLens too, in an environment of their own: -- judge, -- calibrate.

    Without arguments their wiring is tested, with a scripted judge. The environment has about 140 packages, 740 MB.
    """
    judges = locked(session, "judge", "tools/requirements-evaluation.txt")
    if session.posargs:
        session.env["PYTHONPATH"] = "src"
        python(session, "-m", "app", "evaluate", *session.posargs, of=judges)
    else:
        python(session, "-m", "pytest", "-q", "-m", "", "tests/harness/evaluation/judging")


@feature("langgraph.json")
def platforms(session: nox.Session) -> None:
    """Ask 20 questions on every host and compare, then try what a LangGraph server lets callers do unguarded.

    `-- dev` starts that server instead, `langgraph dev`, with what follows. Its environment has about 100 packages.
    """
    folder = Path(".nox/platforms").resolve()
    server = str(folder / SCRIPTS / "python")
    session.run(UV, "venv", "--quiet", "--allow-existing", f"--python={PYTHON}", str(folder), external=True)
    locked = ("--require-hashes", "tools/requirements-langgraph.txt")
    session.run(UV, "pip", "sync", "--quiet", f"--python={server}", *locked, external=True)
    # What it has not, such as a provider or a package of yours, is the service's own.
    places = sysconfig.get_path("purelib", vars={"base": str(folder)})
    Path(places, "service.pth").write_text(
        f"{Path('src').resolve()}\n{sysconfig.get_path('purelib')}\n", encoding="utf-8"
    )
    if session.posargs[:1] == ["dev"]:
        command = (str(folder / SCRIPTS / "langgraph"), "dev", "--no-browser", *session.posargs[1:])
        session.run(*command, external=True, env={"LANGGRAPH_CLI_NO_ANALYTICS": "1"})
        return
    session.env["LANGGRAPH_PYTHON"] = server
    python(session, "-m", "pytest", "-q", "-s", "-m", "", "tests/harness/platforms", *session.posargs)


@nox.session
def container(session: nox.Session) -> None:
    """Build the image twice, run it with no right at all, release, go back (Docker or podman)."""
    session.env["TEST_CONTAINERS"] = "1"
    python(session, "-m", "pytest", "-rs", "-s", "tests/harness/container", *session.posargs)


@nox.session
def policy(session: nox.Session) -> None:
    """Hold Dockerfile and manifests against a policy linter, which uv brings."""
    python(session, "-m", "tests.harness.container.policy", *session.posargs)


@nox.session
def readiness(session: nox.Session) -> None:
    """Run the tests that prove the production checklist and write the report."""
    python(session, "-m", "tools.readiness", *session.posargs, of=figures(session))


@nox.session
def check(session: nox.Session) -> None:
    """Queue everything that must pass before a merge: lint, types, generated files, tests."""
    session.notify("lint", posargs=[])
    session.notify("types", posargs=[])
    session.notify("generate", posargs=["--check"])
    session.notify("advice", posargs=[])
    session.notify("test", posargs=[])


@nox.session
def agent(session: nox.Session) -> None:
    """Write a new agent and its test: nox -s agent -- billing; by a graph: nox -s agent -- billing graph."""
    python(session, "tools/new_agent.py", *session.posargs)
    session.notify("generate", posargs=[])  # its settings are shown among the others


def apart(file: Path) -> Callable[[nox.Session], None]:
    """A session of tests that want an environment of their own: `tests/harness/NAME/requirements.txt` locks it."""
    name = file.parent.name

    def run(session: nox.Session) -> None:
        locked(session, name, str(file))
        python(session, "-m", "pytest", "-q", "-m", "", str(file.parent), *session.posargs)
        # Arguments of tests elsewhere that want it too: unless some of its own are asked for.
        for further in () if session.posargs else sorted(file.parent.glob("also*.txt")):
            python(session, "-m", "pytest", "-q", "-m", "", f"@{further}")

    run.__doc__ = f"Run {file.parent} with what only these tests need, in .nox/{name}."
    return run


for requirements in sorted(Path("tests", "harness").glob("*/requirements.txt")):
    nox.session(name=requirements.parent.name)(apart(requirements))
