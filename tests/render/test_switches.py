"""The words for yes and no mean the same to both engines."""

from pathlib import Path

import pytest

from tests.template import Template
from tools.copier_yml import SWITCHES


@pytest.mark.parametrize("word", SWITCHES)
def test_a_switch_is_read_alike(questions_only: Template, tmp_path: Path, engine: str, word: str) -> None:
    made = questions_only.with_engine(engine, tmp_path / "made", {"example_agents": word})
    assert made.answers()["example_agents"] is (word in ("true", "yes", "on", "1"))
