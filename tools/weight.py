"""What a project weighs: files, its owner's among them, lines of Python; ``python -m tools.weight`` prints it."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.file_lists import lists
from tools.questions import PROJECT_FOLDER, ROOT, Questions

DEFAULT: Mapping[str, Any] = {}
MINIMAL: Mapping[str, Any] = {
    "example_agents": False,
    "kubernetes": False,
    "monitoring": False,
    "assurance": False,
    "mcp_endpoint": False,
    "a2a_endpoint": False,
    "openai_endpoint": False,
    "agui_endpoint": False,
    "aws": False,
    "ci": "none",
}


class Weight:
    """One project, counted in the template folder: its Python is there as every project has it."""

    def __init__(self, answers: Mapping[str, Any], root: Path = ROOT) -> None:
        self._folder = root / PROJECT_FOLDER
        self._questions = Questions.read(root)
        given = {
            name: value[0] if isinstance(value, list) else value for name, value in self._questions.defaults.items()
        }
        chosen = [it.name.replace(" ", "-") for it in self._questions.features if it.is_chosen(given | dict(answers))]
        of_kind = lists(root)
        self.names = sorted(name for kind in ("always", *chosen) for name in of_kind[kind])

    def figures(self) -> dict[str, int]:
        return {
            "files": len(self.names),
            "the owner's files": sum(map(self._questions.is_user_owned, self.names)),
            "sealed files": sum(map(self._questions.is_sealed, self.names)),
            "lines of src/app": self._lines("src/app/"),
            "lines of src/harness": self._lines("src/harness/"),
            "lines of tests outside tests/harness": self._lines("tests/", but="tests/harness/"),
            "lines of tests/harness": self._lines("tests/harness/"),
            "lines of tools": self._lines("tools/"),
        }

    def _lines(self, folder: str, but: str = "/") -> int:
        inside = (name for name in self.names if name.startswith(folder) and not name.startswith(but))
        return sum(self._length(name) for name in inside if name.endswith(".py"))

    def _length(self, name: str) -> int:
        source = next(path for path in (name, *self._template_names(name)) if (self._folder / path).is_file())
        return (self._folder / source).read_text(encoding="utf-8").count("\n")

    def _template_names(self, name: str) -> list[str]:
        """Where the template keeps a file whose name it makes at generation."""
        path = Path(name)
        made = {value: variable for variable, value in self._questions.starter.items()}
        variable = made.get(path.stem, "")
        return [(path.parent / ("{{cookiecutter." + variable + "}}.py")).as_posix()] if variable else []


if __name__ == "__main__":
    both = Weight(DEFAULT).figures(), Weight(MINIMAL).figures()
    for figure, count in both[0].items():
        sys.stdout.write(f"{figure:40}{count:>8,}{both[1][figure]:>8,}\n")
