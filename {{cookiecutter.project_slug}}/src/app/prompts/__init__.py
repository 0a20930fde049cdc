"""Fixed sentences and shared prompts in this service's own words, in place of the harness's."""

from collections.abc import Mapping, Sequence
from typing import Final

from harness import LocalizedMessage, Prompt

MESSAGES: Final[Mapping[str, LocalizedMessage]] = {}
"""By their names in `harness/prompts/messages.py`: `"UNAVAILABLE": LocalizedMessage(en="...", es="...")`."""

PROMPTS: Final[Sequence[Prompt]] = ()
"""By the `name` that a prompt in `harness/prompts` has, each with a version of its own."""
