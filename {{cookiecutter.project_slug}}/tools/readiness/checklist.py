"""The boxes: what there is to prove, and which of them this project chose."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Box:
    """One line of the checklist; `boxes.toml` says what its fields mean."""

    group: str
    id: str
    title: str
    proof: str
    feature: Mapping[str, object] | None = None
    measured: str = ""
    planned: bool = False

    @staticmethod
    @cache
    def load_all() -> "Mapping[str, Box]":
        """Id -> box, in the order in which they are shown."""
        file = Path(__file__).with_name("boxes.toml")
        groups = tomllib.loads(file.read_text(encoding="utf-8"))["groups"]
        return {box["id"]: Box(group["title"], **box) for group in groups for box in group["boxes"]}

    def left_out_by(self, answers: Mapping[str, object]) -> str:
        """`example_agents is false`; empty when it was chosen, or nobody was asked."""
        for question, answer in (self.feature or {}).items():
            if answers.get(question, answer) != answer:
                return f"{question} is {str(answers[question]).lower()}"
        return ""
