import re
from pathlib import Path

import pytest

from tools.readiness.checklist import Answers, Checklist, Feature


def test_the_checklist_has_all_boxes_each_with_an_id_of_its_own() -> None:
    checklist = Checklist.load()
    boxes = [box for group in checklist.groups for box in group.boxes]
    assert len(boxes) == len(set(checklist.ids)) == 64
    assert all(re.fullmatch(r"[A-Z]+-[1-9]", box.id) and box.title and box.proof for box in boxes)


def test_an_unknown_id_comes_with_the_ids_that_look_like_it() -> None:
    unknown = Checklist.load().unknown(["OBS-5", "TEST2", 7])
    assert set(unknown) == {"TEST2", 7}
    assert "TEST-2" in unknown["TEST2"]


@pytest.mark.parametrize(
    ("answers", "left_out"),
    [({"example_agents": False}, True), ({"example_agents": True}, False), ({}, False)],
)
def test_a_feature_is_left_out_only_by_another_answer(
    answers: dict[str, object], left_out: bool
) -> None:
    assert Feature(question="example_agents", answer=True).is_left_out(answers) is left_out


def test_answers_are_read_from_the_file_that_the_engines_write(tmp_path: Path) -> None:
    assert Answers.of(tmp_path) == {}
    text = "# Written by copier\n_commit: v0.1.0\nexample_agents: false\n"
    (tmp_path / ".copier-answers.yml").write_text(text)
    assert Answers.of(tmp_path)["example_agents"] is False
