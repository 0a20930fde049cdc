"""Keeps ``evaluation/shipped/samples.json``: which code and data of the example agents the shipped cases are about.

``python -m tools.shipped_samples`` checks the digests, ``--write`` writes them anew. A project that has changed one of
them is not held to the cases that were written for another.
"""

import hashlib
import json
import sys
from pathlib import Path

from tools.questions import PROJECT_FOLDER, ROOT, Questions
from tools.scratch import tracked_files

DIGEST_CHARS = 12
FILE = "evaluation/shipped/samples.json"


def digest(names: list[str], folder: Path, path: str) -> str:
    """As ``Cases.digest`` in the project."""
    found = hashlib.sha256()
    for name in sorted(it for it in names if it.startswith(f"{path}/")):
        found.update(name.removeprefix(f"{path}/").encode() + (folder / name).read_bytes())
    return found.hexdigest()[:DIGEST_CHARS]


def samples(root: Path = ROOT) -> dict[str, dict[str, str]]:
    prefix = f"{PROJECT_FOLDER}/"
    names = [name.removeprefix(prefix) for name in tracked_files(root) if name.startswith(prefix)]
    (feature,) = (it for it in Questions.read(root).features if it.name == "example agents")
    found: dict[str, dict[str, str]] = {}
    for path in sorted(it for it in feature.paths if it.startswith(("src/app/agents/", "data/"))):
        found.setdefault(path.rpartition("/")[2], {})[path] = digest(names, root / PROJECT_FOLDER, path)
    return found


def main(arguments: list[str], root: Path = ROOT) -> int:
    file = root / PROJECT_FOLDER / FILE
    wanted = json.dumps(samples(root), indent=2) + "\n"
    if file.exists() and file.read_text(encoding="utf-8") == wanted:
        return 0
    if "--write" in arguments:
        file.write_text(wanted, encoding="utf-8", newline="\n")
        return 0
    print(f"{FILE} is not of the example agents as they are: nox -s stale -- --write")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
