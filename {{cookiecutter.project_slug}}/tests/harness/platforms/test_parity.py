"""P1: every host answers alike, without a key, without a network, and without `--allow-blocking`."""

from pathlib import Path

import pytest

from tests.harness.platforms.hosts import HOSTS
from tests.harness.platforms.parity import SET, answer_alike


@pytest.mark.checklist("PLAT-2")
async def test_every_host_answers_alike(tmp_path: Path) -> None:
    await answer_alike(HOSTS, tmp_path)


def test_each_question_is_asked_once() -> None:
    assert len(SET["questions"]) + 1 == 20
    assert len({*SET["questions"]}) == len(SET["questions"])
