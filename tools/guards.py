"""``make guards``: measures the guards on labelled sets that no project carries, and prints the figures.

The sets and what is wanted of them lie in ``tests/guards``. They run in the environment of a generated project: of
one that is there (``--project``), else of one that is made for it.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.installed import install_project, interpreter
from tools.questions import ROOT

SETS = ROOT / "tests" / "guards"


def measure(project: Path) -> subprocess.CompletedProcess[str]:
    """What the tests of ``tests/guards`` print in ``project``, which is installed; a failed one is a return code."""
    own = {key: value for key, value in os.environ.items() if not key.startswith(("VIRTUAL_ENV", "PYTHON", "PYTEST"))}
    with tempfile.TemporaryDirectory() as scratch:
        settings = Path(scratch) / "pytest.ini"  # not the template's own, nor its fixtures, which need its packages
        settings.write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n", encoding="utf-8")
        alone = ("--noconftest", "-p", "no:cacheprovider", "-c", str(settings), f"--rootdir={ROOT}")
        return subprocess.run(
            [str(interpreter(project)), "-m", "pytest", "-q", "-s", *alone, str(SETS)],
            cwd=ROOT,
            env=own | {"PYTHONPATH": str(project / "src"), "PYTHONUTF8": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )


def made(into: Path) -> Path:
    """A new project of the default answers."""
    command = [sys.executable, "-m", "cookiecutter", str(ROOT), "--no-input", "--output-dir", str(into)]
    subprocess.run([*command, "project_slug=guarded"], check=True)
    return into / "guarded"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", type=Path, help="an installed project")
    given = parser.parse_args().project
    with tempfile.TemporaryDirectory() as scratch:
        project = given or made(Path(scratch))
        if given is None and (installed := install_project(project)).returncode:
            print(installed.stdout)
            return installed.returncode
        measured = measure(project)
        print(measured.stdout)
        return measured.returncode


if __name__ == "__main__":
    sys.exit(main())
