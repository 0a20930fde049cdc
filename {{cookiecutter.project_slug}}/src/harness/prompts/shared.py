"""The prompts that no single agent owns: of the planner, the writer, a second attempt, the judge."""

import tomllib
from pathlib import Path
from typing import Final

from ..locale.locale import Locale
from .prompt import Prompt

_FILE: Final = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
_TEXTS: Final = {name: {**text, **Locale.owners(name, "prompts")} for name, text in _FILE.items()}

REPAIR = Prompt(name="planner-repair", version="1", text=_TEXTS["planner-repair"])
DECLINED = Prompt(name="planner-declined", version="1", text=_TEXTS["planner-declined"])
PLANNER = Prompt(name="planner", version="2", text=_TEXTS["planner"])
WRITER = Prompt(name="writer", version="2", text=_TEXTS["writer"])
SUPERVISOR = Prompt(name="supervisor", version="1", text=_TEXTS["supervisor"])
UNGROUNDED = Prompt(name="correction-ungrounded", version="2", text=_TEXTS["correction-ungrounded"])
ANSWER_LANGUAGE = Prompt(name="answer-language", version="1", text=_TEXTS["answer-language"])
"""Follows the prompt of every agent."""
WRONG_LANGUAGE = Prompt(name="correction-language", version="2", text=_TEXTS["correction-language"])
GROUNDING_JUDGE = Prompt(name="grounding-judge", version="1", text=_TEXTS["grounding-judge"])
JUDGE = Prompt(name="judge", version="1", text=_TEXTS["judge"])
