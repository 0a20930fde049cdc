"""The prompts that no single agent owns: of the planner, the writer, a second attempt, the judge."""

import tomllib
from pathlib import Path
from typing import Final

from .prompt import Prompt

_TEXTS: Final = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))

REPAIR = Prompt(name="planner-repair", version="1", text=_TEXTS["planner-repair"])
PLANNER = Prompt(name="planner", version="1", text=_TEXTS["planner"])
WRITER = Prompt(name="writer", version="1", text=_TEXTS["writer"])
SUPERVISOR = Prompt(name="supervisor", version="1", text=_TEXTS["supervisor"])
UNGROUNDED = Prompt(name="correction-ungrounded", version="1", text=_TEXTS["correction-ungrounded"])
WRONG_LANGUAGE = Prompt(name="correction-language", version="1", text=_TEXTS["correction-language"])
JUDGE = Prompt(name="judge", version="1", text=_TEXTS["judge"])
OWN_LANGUAGE = Prompt(name="own-language", version="1", text=_TEXTS["own-language"])
