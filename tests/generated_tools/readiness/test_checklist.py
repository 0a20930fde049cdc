"""The checklist says of each box whether tests prove it, and the project's tests say the same."""

import ast
import re
from pathlib import Path

from tools.readiness.plugin import Box

PROJECT = Path(__file__).resolve().parents[3]
BOXES = Box.load_all()


def test_the_checklist_has_all_boxes_each_with_an_id_of_its_own() -> None:
    assert len(BOXES) == 64
    assert all(re.fullmatch(r"[A-Z]+-[1-9]", box.id) and box.title and box.proof for box in BOXES.values())


def test_every_box_but_the_planned_ones_is_carried_by_a_test() -> None:
    """No box is lost, and one that is proven at last is no longer planned."""
    carried = set()
    for file in (PROJECT / "tests").rglob("test_*.py"):
        if "generated_tools" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.checklist":
                carried |= {ast.literal_eval(argument) for argument in node.args}
    planned = {box.id for box in BOXES.values() if box.planned}
    chosen = {box.id for box in BOXES.values() if not box.feature}
    assert carried & planned == set()
    assert chosen - planned - carried == set()
    assert carried - BOXES.keys() == set()
