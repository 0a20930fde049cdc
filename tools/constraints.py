"""Writes what pins a new project: ``tools/tested.txt``, each version the template was tested with, and beside it
``uv.txt``, ``requirements-evaluation.txt`` and ``requirements-langgraph.txt``; and
``tests/harness/aws/requirements.txt``.

One resolution holds for each provider, each development tool, each platform and each Python from the lowest on offer.
The second is the uv of the template's own tools, by hash (``nox -s requirements`` moves it). The third is the
environment of Ragas and TruLens, which cannot live in the service's: the service's own packages and every provider's.
The fourth is that of a LangGraph server: the service's own packages; it finds the others in the service's environment.
The fifth is that of the linters of the templates for AWS.
Needs a package index. ``--upgrade`` moves to the newest versions, ``--upgrade-package NAME`` moves one.
"""

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from tools.questions import PROJECT_FOLDER, ROOT, Questions
from tools.scratch import scratch_template

TESTED = """\
# The versions this template was tested with, every provider and tool included. Template owned: yours are in uv.lock,
# which the first `make lock` or `make install` makes from it. Refreshed by the template's `nox -s constraints`.
"""
UV = """\
# What makes the environment: make install and the image take this uv where there is none, by hash. Template owned,
# refreshed by the template's `nox -s constraints`.
"""
EVALUATION = """\
# The environment that judges recorded runs by Ragas and TruLens: `nox -s judge`, 741 MB. Not the service's.
# Template owned, refreshed by the template's `nox -s constraints`.
"""
AWS = """\
# The environment that lints the templates of deploy/aws: `nox -s aws`, 260 MB. Not the service's.
# Template owned, refreshed by the template's `nox -s constraints`.
"""
AWS_FILE = "tests/harness/aws/requirements.txt"
EVALUATION_FILE = "requirements-evaluation.txt"
LANGGRAPH = """\
# The environment of a LangGraph server: `nox -s platforms`. Not the service's, and not its licence (Elastic-2.0).
# Template owned, refreshed by the template's `nox -s constraints`.
"""
LANGGRAPH_FILE = "requirements-langgraph.txt"
PROVIDERS = ("openai", "anthropic", "bedrock", "ollama")


def pinned_uv() -> str:
    """The lines of the template's own requirements that pin uv."""
    text = (ROOT / "requirements" / "test.txt").read_text(encoding="utf-8")
    (found,) = re.findall(r"(?m)^uv==.*\n(?:^ .*\n)+", text)
    return str(found)


def compiled(project: Path, python_version: str, there: str, options: list[str], source: str = "pyproject.toml") -> str:
    """What pins the project's ``pyproject.toml``; what is in ``there`` stays unless ``options`` upgrade it."""
    output = project / "resolved.txt"
    output.write_text(there, encoding="utf-8")
    command = ["uv", "pip", "compile", source, "--quiet", "--universal", "--no-header", "--no-annotate"]
    command += ["--no-emit-index-url", "--no-emit-find-links", "--python-version", python_version]
    command += ["--output-file", str(output), *options]
    subprocess.run([sys.executable, "-m", *command], cwd=project, check=True)
    return output.read_text(encoding="utf-8")


def resolve(project: Path, python_version: str, there: str, options: list[str]) -> str:
    """The versions of a project with everything, one a line."""
    groups = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    every = ["--all-extras", *(word for group in groups for word in ("--group", group))]
    return compiled(project, python_version, there, [*every, *options])


def resolve_evaluation(project: Path, python_version: str, there: str, options: list[str]) -> str:
    """Those of the environment of judges, with their hashes."""
    own = [str(ROOT / "requirements" / "evaluation.in"), "--generate-hashes"]
    own += ["--override", str(ROOT / "requirements" / "evaluation-overrides.txt")]
    extras = [word for name in PROVIDERS for word in ("--extra", name)]
    return compiled(project, python_version, there, [*own, *extras, *options])


def resolve_aws(project: Path, python_version: str, there: str, options: list[str]) -> str:
    """Those of the linters for AWS, with their hashes."""
    source = str(ROOT / "requirements" / "aws.in")
    return compiled(project, python_version, there, ["--generate-hashes", *options], source)


def resolve_langgraph(project: Path, python_version: str, there: str, options: list[str]) -> str:
    """Those of the environment of a LangGraph server, with their hashes."""
    own = [str(ROOT / "requirements" / "langgraph.in"), "--generate-hashes"]
    return compiled(project, python_version, there, [*own, *options])


def main(options: list[str]) -> int:
    target = ROOT / PROJECT_FOLDER / "tools" / "tested.txt"
    lowest = min(Questions.read().defaults["python_version"], key=lambda text: tuple(map(int, text.split("."))))
    with tempfile.TemporaryDirectory() as scratch:
        template = scratch_template(Path(scratch) / "template", "v0.0.1")
        generate = ["cookiecutter", str(template), "--no-input", "--output-dir", scratch, f"python_version={lowest}"]
        subprocess.run([sys.executable, "-m", *generate, "project_slug=made"], check=True, stdout=subprocess.DEVNULL)
        there = target.read_text(encoding="utf-8") if target.exists() else ""
        versions = resolve(Path(scratch) / "made", lowest, there, options)
        judges = target.with_name(EVALUATION_FILE)
        there = judges.read_text(encoding="utf-8") if judges.exists() else versions
        judging = resolve_evaluation(Path(scratch) / "made", lowest, there, options)
        linters = ROOT / PROJECT_FOLDER / AWS_FILE
        there = linters.read_text(encoding="utf-8") if linters.exists() else ""
        linting = resolve_aws(Path(scratch) / "made", lowest, there, options)
        server = target.with_name(LANGGRAPH_FILE)
        there = server.read_text(encoding="utf-8") if server.exists() else versions
        serving = resolve_langgraph(Path(scratch) / "made", lowest, there, options)
    target.write_text(TESTED + versions, encoding="utf-8", newline="\n")
    server.write_text(LANGGRAPH + serving, encoding="utf-8", newline="\n")
    judges.write_text(EVALUATION + judging, encoding="utf-8", newline="\n")
    linters.write_text(AWS + linting, encoding="utf-8", newline="\n")
    target.with_name("uv.txt").write_text(UV + pinned_uv(), encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
