"""Keeps ``evaluation/shipped/samples.json``: what the shipped cases are about, by digests.

``python -m tools.shipped_samples`` checks it, ``--write`` writes it anew. The example agents are their owner's, so an
update leaves them as they are: one of an earlier release is not held to the cases of a later one, nor is an agent
whose data were replaced.
"""

import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.questions import PROJECT_FOLDER, ROOT, Questions
from tools.scratch import git, tracked_files

DIGEST_CHARS = 12
AGENTS = "src/app/agents/"
FILE = "evaluation/shipped/samples.json"


def digest(files: Mapping[str, bytes]) -> str:
    """As ``Cases.digest`` in the project, of the files of a folder by their names in it."""
    found = hashlib.sha256()
    for name, content in sorted(files.items()):
        found.update(name.encode() + content)
    return found.hexdigest()[:DIGEST_CHARS]


def now(root: Path, path: str) -> str:
    prefix = f"{PROJECT_FOLDER}/{path}/"
    names = [name for name in tracked_files(root) if name.startswith(prefix)]
    return digest({name.removeprefix(prefix): (root / name).read_bytes() for name in names})


def earlier(root: Path, path: str) -> set[str]:
    """Those of every release that this checkout has."""
    found = set()
    for tag in git(root, "tag", "--list", "v[0-9]*").split():
        folder = f"{PROJECT_FOLDER}/{path}/"
        names = git(root, "ls-tree", "-r", "-z", "--name-only", tag, folder).split("\0")
        files = {name.removeprefix(folder): git_bytes(root, f"{tag}:{name}") for name in names if name}
        found |= {digest(files)} if files else set()
    return found


def git_bytes(root: Path, place: str) -> bytes:
    return subprocess.run(["git", "-C", str(root), "show", place], capture_output=True, check=True).stdout


def samples(root: Path, known: Mapping[str, Any]) -> dict[str, Any]:
    (feature,) = (it for it in Questions.read(root).features if it.name == "example agents")
    found: dict[str, Any] = {"data": {}, "code": {}, "earlier": {}}
    for path in sorted(feature.paths):
        agent = path.rpartition("/")[2]
        if path.startswith("data/"):
            found["data"][agent] = {path: now(root, path)}
        elif path.startswith(AGENTS):
            found["code"][agent] = now(root, path)
            before = earlier(root, path) | set(known.get("earlier", {}).get(agent, ()))
            found["earlier"][agent] = sorted(before - {found["code"][agent]})
    return found


def main(arguments: list[str], root: Path = ROOT) -> int:
    file = root / PROJECT_FOLDER / FILE
    there = file.read_text(encoding="utf-8") if file.exists() else "{}"
    wanted = json.dumps(samples(root, json.loads(there)), indent=2) + "\n"
    if there == wanted:
        return 0
    if "--write" in arguments:
        file.write_text(wanted, encoding="utf-8", newline="\n")
        return 0
    print(f"{FILE} is not of the example agents as they are: nox -s stale -- --write")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
