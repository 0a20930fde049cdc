"""Every check of the template by name; ``nox`` runs the gate, ``nox -s NAME`` one check.

Sessions run in the environment that nox itself runs in: `make test` made it from requirements/test.txt.
"""

import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "none"
nox.options.sessions = ["stale", "lint", "render", "update", "bench", "project", "prototypes", "demo"]

PYTHON = sys.executable
PROJECT = Path("{" + "{cookiecutter.project_slug}" + "}")
OWN_PYTHON = ["hooks", "tools", "tests", "noxfile.py"]


def run(session: nox.Session, *arguments: str) -> None:
    session.run(PYTHON, "-m", *arguments, external=True)


def run_tests(session: nox.Session, workers: str, *folders: str) -> None:
    """Pytest over folders, its slowest parts named; rows are spread over processes."""
    spread = ("--numprocesses", workers, "--dist", "loadgroup")
    run(session, "pytest", *folders, "--durations=8", "--durations-min=1", *spread, *session.posargs)


@nox.session
def stale(session: nox.Session) -> None:
    """Generated files equal what makes them (`-- --write` writes them anew)."""
    run(session, "tools.copier_yml", *session.posargs)
    run(session, "tools.shipped_samples", *session.posargs)
    run(session, "tools.manifest", *session.posargs)
    run(session, "tools.file_lists", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """The template's own Python: formatted, clean, typed (`-- --write` formats it)."""
    check = [] if "--write" in session.posargs else ["--check"]
    run(session, "isort", *check, *OWN_PYTHON)
    run(session, "black", "--quiet", *check, *OWN_PYTHON)
    run(session, "ruff", "check", "--quiet", *OWN_PYTHON)
    folders = ("tests/generated_tools", "tests/prototypes/conformance")  # as the project that they run in does it
    inside = sorted(str(path) for folder in folders for path in Path(folder).glob("*.py"))
    run(session, "isort", *check, "--settings-file", str(PROJECT / "pyproject.toml"), *inside)
    run(session, "black", "--quiet", *check, "--config", str(PROJECT / "pyproject.toml"), *inside)
    run(session, "ruff", "check", "--quiet", "--config", str(PROJECT / "ruff.toml"), *inside)
    run(session, "mypy", "hooks/pre_gen_project.py")
    run(session, "mypy", "hooks/post_gen_project.py")
    run(session, "mypy", "tools", "tests", "noxfile.py")


@nox.session
def render(session: nox.Session) -> None:
    """Both engines, pairwise over the answers: same trees, nothing left over, everything well formed."""
    run_tests(session, "auto", "tests/render")


@nox.session
def update(session: nox.Session) -> None:
    """`copier update` of projects made by either engine, from every release and from the working tree."""
    run_tests(session, "auto", "tests/update")


@nox.session
def project(session: nox.Session) -> None:
    """Generated projects are installed and run their own checks; one's image is built and run, two at a time."""
    run_tests(session, "2", "tests/project", "tests/container")


@nox.session
def prototypes(session: nox.Session) -> None:
    """Six prototypes as people bring them move into a project by a few lines, and every guard holds around them."""
    run_tests(session, "2", "tests/prototypes")


@nox.session
def guards(session: nox.Session) -> None:
    """The guards on labelled sets that no project carries: what they find, what they refuse, how long they take."""
    run(session, "tools.guards", *session.posargs)


@nox.session
def evaluation(session: nox.Session) -> None:
    """Ragas and TruLens in the environment that a project locks for them; `-- --newest`, `-- --python 3.13`."""
    run(session, "tools.evaluation", *session.posargs)


@nox.session
def container(session: nox.Session) -> None:
    """Only the image of a generated project, built and run for real."""
    run_tests(session, "0", "tests/container")


@nox.session
def demo(session: nox.Session) -> None:
    """`make demo` without a terminal: generates, installs, starts, asks, stops."""
    run(session, "tools.demo", "--port", "0")


@nox.session
def bench(session: nox.Session) -> None:
    """Time to generate against `cookiecutter --version`, as a ratio."""
    run(session, "tools.bench")


@nox.session
def benchmark(session: nox.Session) -> None:
    """A generated service beside the bare floors, as ratios (`-- --quick`); needs wrk, and a quiet machine."""
    run(session, "tools.benchmark", *session.posargs)


@nox.session
def requirements(session: nox.Session) -> None:
    """Pins the template's own tools anew, by hash; black, isort, ruff and mypy as the generated project has them."""
    compile_ = (
        *("uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes"),
        *("--no-emit-index-url", "--no-annotate", "--custom-compile-command", "nox -s requirements"),
    )
    same = ("--constraints", str(PROJECT / "tools" / "tested.txt"))
    run(session, *compile_, *same, "requirements/test.in", "--output-file", "requirements/test.txt", *session.posargs)
    same = ("--constraints", "requirements/test.txt")
    run(session, *compile_, *same, "requirements/generate.in", "--output-file", "requirements/generate.txt")


@nox.session
def constraints(session: nox.Session) -> None:
    """Refreshes the tested versions that travel with the template (needs a package index)."""
    run(session, "tools.constraints", *session.posargs)
