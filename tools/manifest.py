"""Keeps ``harness.manifest`` of the project: the sealed files and their hashes, those of a feature under its condition.

``python -m tools.manifest`` checks it against the template folder, ``--write`` rewrites it.
"""

import hashlib
import json
import sys
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, StrictUndefined, UndefinedError

from tools.questions import PROJECT_FOLDER, ROOT, Questions
from tools.scratch import tracked_files

MANIFEST = "harness.manifest"
HEADING = """\
# Sealed: the template's own files, which its updates replace whole (docs/build.md). sha256, then the path.
# In a line that begins with `folder`, every file of that folder is sealed. Checked by `python tools/seal.py`.
"""


class DependsOnAnswersError(Exception):
    """A sealed file would differ from project to project, so no hash of it can be right."""


class Manifest:
    """The text of the manifest, itself a template: one condition around the files of each feature."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._questions = Questions.read(root)
        self._environment = Environment(
            undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
        )

    def text(self) -> str:
        folders = sorted(path for path in self._questions.sealed if path.endswith("/"))
        parts = [HEADING]
        for condition, names in groupby([*folders, *self.names()], key=self._condition):
            lines = "".join(f"{'folder' if name in folders else self._digest(name)}  {name}\n" for name in names)
            parts.append("{% if " + condition + " %}\n" + lines + "{% endif %}\n" if condition else lines)
        return "".join(parts)

    def names(self) -> list[str]:
        """Every sealed file, by its path in the project."""
        prefix = f"{PROJECT_FOLDER}/"
        names = (name.removeprefix(prefix) for name in tracked_files(self._root) if name.startswith(prefix))
        return [name for name in names if self._questions.is_sealed(name)]

    def _condition(self, name: str) -> str:
        """When a project has the file, in the words of both engines; empty for always."""
        features = [feature for feature in self._questions.features if feature.brings(name)]
        return " and ".join(
            f"cookiecutter.{question} == {json.dumps(answer)}"
            for feature in features
            for question, answer in feature.when.items()
        )

    def _digest(self, name: str) -> str:
        source = (self._root / PROJECT_FOLDER / name).read_text(encoding="utf-8")
        try:
            rendered = self._environment.from_string(source).render()
        except UndefinedError as error:
            raise DependsOnAnswersError(f"{name} cannot be sealed, it differs by answers: {error}") from error
        return hashlib.sha256(rendered.encode()).hexdigest()


def main(arguments: list[str], root: Path = ROOT) -> int:
    path = root / PROJECT_FOLDER / MANIFEST
    there = path.read_text(encoding="utf-8") if path.exists() else ""
    wanted = Manifest(root).text()
    if there == wanted:
        return 0
    if "--write" in arguments:
        path.write_text(wanted, encoding="utf-8", newline="\n")
        return 0
    for line in sorted(set(wanted.splitlines()) ^ set(there.splitlines()), key=lambda line: line[66:]):
        print(f"{MANIFEST}: {'+' if line in wanted else '-'}{line}", file=sys.stderr)
    print(f"{MANIFEST} is stale: run `nox -s stale -- --write` after a change of a sealed file", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
