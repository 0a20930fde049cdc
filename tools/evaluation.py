"""``nox -s evaluation``: makes a project and lets it test Ragas and TruLens in the environment that it locks for them.

``--newest`` tests the newest versions that their bounds allow in place of the locked ones: a release that breaks the
imports is seen here first. ``--python 3.12`` takes another interpreter; the default is this one.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.constraints import EVALUATION_FILE, resolve_evaluation
from tools.installed import install_project, interpreter
from tools.questions import ROOT, Questions

UV = (sys.executable, "-m", "uv")
TESTS = "tests/harness/evaluation/judging/test_libraries.py"
SCRIPTS = "Scripts" if sys.platform == "win32" else "bin"


def made(into: Path) -> Path:
    """A new project of the default answers."""
    command = [sys.executable, "-m", "cookiecutter", str(ROOT), "--no-input", "--output-dir", str(into)]
    subprocess.run([*command, "project_slug=judged"], check=True, stdout=subprocess.DEVNULL)
    return into / "judged"


def judges(project: Path, into: Path, python: str, *, newest: bool) -> Path:
    """An environment as the project's own `nox -s judge` makes it."""
    locked = project / "tools" / EVALUATION_FILE
    if newest:
        lowest = Questions.read().defaults["python_version"][0]
        locked = into / EVALUATION_FILE
        locked.write_text(resolve_evaluation(project, lowest, "", []), encoding="utf-8")
    folder = into / "judges"
    subprocess.run([*UV, "venv", "--quiet", "--python", python, str(folder)], check=True)
    own = str(folder / SCRIPTS / "python")
    subprocess.run([*UV, "pip", "sync", "--quiet", "--python", own, "--require-hashes", str(locked)], check=True)
    return folder


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--newest", action="store_true", help="the newest versions, not the locked ones")
    parser.add_argument("--python", default=sys.executable, help="interpreter or version of the environment")
    parser.add_argument("--project", type=Path, help="an installed project")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        project = given.project or made(Path(scratch))
        if given.project is None and (installed := install_project(project)).returncode:
            print(installed.stdout)
            return installed.returncode
        own = {
            key: value for key, value in os.environ.items() if not key.startswith(("VIRTUAL_ENV", "PYTHON", "PYTEST"))
        }
        folder = judges(project, Path(scratch), given.python, newest=given.newest)
        command = [str(interpreter(project)), "-m", "pytest", "-q", "-m", "", "-rs", TESTS]
        return subprocess.run(command, cwd=project, env=own | {"EVALUATION_ENVIRONMENT": str(folder)}).returncode


if __name__ == "__main__":
    sys.exit(main())
