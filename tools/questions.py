"""The template's questions, rules and features, read from ``cookiecutter.json``: the one source."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PROJECT_FOLDER = "{{cookiecutter.project_slug}}"


def is_in(name: str, paths: Iterable[str]) -> bool:
    """Whether a file is one of ``paths`` or lies below one."""
    return any(name == path or name.startswith(f"{path.rstrip('/')}/") for path in paths)


@dataclass(frozen=True)
class Feature:
    """A set of files that one answer brings: ``when`` is question -> answer, ``paths`` are relative to the project."""

    name: str
    when: dict[str, object]
    paths: tuple[str, ...]

    def is_chosen(self, answers: dict[str, Any]) -> bool:
        return all(answers[question] == answer for question, answer in self.when.items())

    def brings(self, name: str) -> bool:
        """Whether a file of the project comes with this feature."""
        return is_in(name, self.paths)


@dataclass(frozen=True)
class Questions:
    """``defaults`` keeps the order of the questions; a list is a choice, its first entry the default.

    An update leaves ``user_owned`` alone and replaces ``sealed`` whole; what is in neither is merged by line. Where a
    sealed path ends in a slash, files that the user adds there are named too.

    ``leftovers`` are patterns of what tools leave in the template folder: cookiecutter must not render them (some crash
    it) and its hook removes them, copier excludes them. ``starter`` names the starter agent's modules, which have no
    name that Python finds before: so the template's own tree has the example agents only.
    """

    defaults: dict[str, Any]
    prompts: dict[str, Any]
    rules: dict[str, dict[str, Any]]
    features: tuple[Feature, ...]
    user_owned: tuple[str, ...]
    sealed: tuple[str, ...]
    leftovers: tuple[str, ...]
    answers_heading: str
    starter: dict[str, str]

    @classmethod
    def read(cls, root: Path = ROOT) -> "Questions":
        raw = json.loads((root / "cookiecutter.json").read_text(encoding="utf-8"))
        return cls(
            defaults={key: value for key, value in raw.items() if not key.startswith("_")},
            prompts=raw["__prompts__"],
            rules=raw["_rules"],
            features=tuple(
                Feature(name, entry["when"], tuple(entry["paths"])) for name, entry in raw["_features"].items()
            ),
            user_owned=tuple(raw["_user_owned"]),
            sealed=tuple(raw["_sealed"]),
            leftovers=tuple(raw["_copy_without_render"]),
            answers_heading=raw["_answers_heading"],
            starter={name: raw[name] for name in ("_starter", "_starter_test")},
        )

    def is_user_owned(self, name: str) -> bool:
        return is_in(name, self.user_owned)

    def is_sealed(self, name: str) -> bool:
        return is_in(name, self.sealed)

    def rendered(self, name: str) -> str:
        """The path of a project's file as a project has it."""
        for variable, value in self.starter.items():
            name = name.replace("{{cookiecutter." + variable + "}}", value)
        return name

    def choices(self) -> dict[str, list[Any]]:
        """Every question with a closed set of answers, true and false included."""
        closed = {key: value for key, value in self.defaults.items() if isinstance(value, list)}
        switches = {key: [value, not value] for key, value in self.defaults.items() if isinstance(value, bool)}
        return closed | switches
