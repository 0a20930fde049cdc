"""Asks the questions and generates a project beside this checkout, or in ``NEW_DIR``."""

import os
import subprocess
import sys
from pathlib import Path

from tools.questions import ROOT


def main(arguments: list[str]) -> int:
    into = Path(os.environ.get("NEW_DIR") or ROOT.parent).expanduser()
    command = [sys.executable, "-m", "cookiecutter", str(ROOT), "--output-dir", str(into), *arguments]
    return subprocess.run(command).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
