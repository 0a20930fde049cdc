"""Keeps ``tests/render/files/``: the exact files of a project, one list for what is always there and one a feature.

``python -m tools.file_lists`` checks them against the template folder, ``--write`` rewrites them.
"""

import sys
from pathlib import Path

from tools.questions import PROJECT_FOLDER, ROOT, Questions
from tools.scratch import tracked_files

ALWAYS = "always"
ANSWERS_TEMPLATE = "{{cookiecutter._answers_file}}"
ANSWERS_FILE = ".copier-answers.yml"


def lists(root: Path = ROOT) -> dict[str, list[str]]:
    """List name -> sorted project paths, read from the template folder and the features table."""
    prefix = f"{PROJECT_FOLDER}/"
    found = [name.removeprefix(prefix) for name in tracked_files(root) if name.startswith(prefix)]
    questions = Questions.read(root)
    left = {ANSWERS_FILE if name == ANSWERS_TEMPLATE else questions.rendered(name) for name in found}
    made = {}
    for feature in questions.features:
        brought = {name for name in left if feature.brings(name)}
        made[feature.name.replace(" ", "-")] = sorted(brought)
        left -= brought
    return {ALWAYS: sorted(left), **made}


def text(names: list[str]) -> str:
    return "".join(f"{name}\n" for name in names)


def main(arguments: list[str], root: Path = ROOT) -> int:
    folder = root / "tests" / "render" / "files"
    wanted = {folder / f"{name}.txt": text(names) for name, names in lists(root).items()}
    there = {path: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.txt"))}
    if there == wanted:
        return 0
    if "--write" in arguments:
        folder.mkdir(exist_ok=True)
        for path in there.keys() - wanted.keys():
            path.unlink()
        for path, content in wanted.items():
            path.write_text(content, encoding="utf-8", newline="\n")
        return 0
    for path in sorted(there.keys() | wanted.keys()):
        before, after = set(there.get(path, "").splitlines()), set(wanted.get(path, "").splitlines())
        for sign, names in (("-", before - after), ("+", after - before)):
            for name in sorted(names):
                print(f"{path.name}: {sign}{name}", file=sys.stderr)
    print("The lists of files are stale: run `nox -s stale -- --write` and review what changed", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
