"""The boxes: what there is to prove, and which of them this project chose."""

import difflib
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict

BOXES = Path(__file__).with_name("boxes.toml")


class Feature(BaseModel):
    """The answer at generation that brings a box into the project."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    question: str
    answer: bool | str

    def is_left_out(self, answers: Mapping[str, object]) -> bool:
        """True when another answer was given; a question that nobody answered leaves nothing out."""
        return self.question in answers and answers[self.question] != self.answer


class Box(BaseModel):
    """One line of the checklist."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    title: str
    proof: str
    feature: Feature | None = None
    measured: Literal["coverage"] | None = None


class Group(BaseModel):
    """Boxes under one heading, in the checklist's order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    boxes: tuple[Box, ...]


class Checklist:
    """All boxes, by group and by id."""

    def __init__(self, groups: Sequence[Group]) -> None:
        self.groups = tuple(groups)
        self.ids = tuple(box.id for group in self.groups for box in group.boxes)

    @classmethod
    @cache
    def load(cls) -> "Checklist":
        """The checklist that ships with the project, read once."""
        content = tomllib.loads(BOXES.read_text(encoding="utf-8"))
        return cls([Group.model_validate(group) for group in content["groups"]])

    def unknown(self, ids: Iterable[object]) -> Mapping[object, Sequence[str]]:
        """The ids that no box has, each with the ids that look most like it."""
        return {
            given: difflib.get_close_matches(str(given).upper(), self.ids, n=3, cutoff=0.5)
            for given in ids
            if given not in self.ids
        }


class Answers:
    """The answers given at generation, as copier and cookiecutter leave them in the project."""

    FILE = ".copier-answers.yml"

    @classmethod
    def of(cls, project: Path) -> Mapping[str, object]:
        """The answers of the project in this folder; empty when it keeps none."""
        file = project / cls.FILE
        if not file.is_file():
            return {}
        answers = yaml.safe_load(file.read_text(encoding="utf-8"))
        return answers if isinstance(answers, dict) else {}
