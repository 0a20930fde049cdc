"""The planner's prompt is complete in every language."""

import pytest

from harness.prompts.language import LANGUAGES, Language
from harness.prompts.planner import PLANNER


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_planner_is_told_agents_bounds_and_history(language: Language) -> None:
    text = PLANNER.render(language, agents="- moons: x", history="User: hi", max_tasks="4")
    assert "- moons: x" in text
    assert "User: hi" in text
    assert " 4 " in text
