"""A prototype moves into a project by few lines, none of them in a sealed file, and the page shows just those."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.prototypes.moves import NAMES, PAGE, Move
from tests.template import FIGURES
from tools.questions import PROJECT_FOLDER, ROOT, Questions

Record = Callable[[str, object], None]
MOST_INSIDE, MOST_OUTSIDE = 12, 10


@pytest.mark.parametrize("name", NAMES)
def test_a_prototype_moves_in_by_few_lines_and_no_sealed_file(name: str, record_property: Record) -> None:
    move, project = Move(name), ROOT / PROJECT_FOLDER
    inside, outside = move.inside(), move.outside(project)
    record_property(FIGURES, f"lines       {name:16} {inside:3} in its own file, {outside:3} outside")
    assert 0 < inside <= MOST_INSIDE
    assert 0 < outside <= MOST_OUTSIDE
    questions = Questions.read()
    assert [file for file in move.files() if questions.is_sealed(file) or not questions.is_user_owned(file)] == []


def test_every_prototype_that_lies_here_is_moved() -> None:
    here = Path(__file__).parent
    assert sorted(path.stem for path in (here / "originals").glob("*.py")) == sorted(NAMES)
    assert sorted(path.name for path in (here / "moved").iterdir()) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_page_of_a_project_shows_the_diff_of_each(name: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert f"```diff\n{Move(name).diff()}\n```" in page
    assert Move(name).files()["src/app/flow.py"].partition("flow: Final")[2] in page
