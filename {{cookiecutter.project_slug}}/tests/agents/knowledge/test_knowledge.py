from pathlib import Path

import pytest

from app.agents.knowledge.agent import KnowledgeAgent
from app.agents.knowledge.passages import Passages
from app.errors import SourceUnavailable
from app.prompts.language import Language
from tests.agents.conftest import Built

SHOP = """\
Text above the first heading: we sell bicycles.

# Our shop

## Opening hours

We are open from 9:00 to 18:00.

## Empty

## Devoluciones

Tienes 30 días para devolver una bicicleta.
"""


def move(folder: Path, to: Path) -> None:
    folder.rename(to)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "shop.md").write_text(SHOP, encoding="utf-8")
    monkeypatch.setenv("KNOWLEDGE_FOLDER", str(tmp_path))
    return tmp_path


async def test_the_passage_is_the_answer_and_the_file_its_source(
    on_samples: Built, folder: Path
) -> None:
    agent = on_samples(KnowledgeAgent)
    answer, findings = await agent.basic_answer("When are you open?", "en")
    assert answer == "We are open from 9:00 to 18:00."
    assert findings[0].sources == [{"title": "Opening hours (shop.md)", "url": "shop.md"}]


async def test_accents_case_and_endings_do_not_matter(on_samples: Built, folder: Path) -> None:
    answer, _ = await on_samples(KnowledgeAgent).basic_answer("DEVOLUCION de bicicletas", "es")
    assert answer == "Tienes 30 días para devolver una bicicleta."


@pytest.mark.parametrize(
    ("question", "language", "told"),
    [
        ("What about quantum physics?", "en", "I found nothing about that in our documents."),
        ("¿Qué hay de física?", "es", "No encontré nada sobre eso en nuestros documentos."),
        ("What is it?", "en", "I found nothing about that in our documents."),
    ],
)
async def test_what_no_document_holds_is_said_so(
    on_samples: Built, folder: Path, question: str, language: Language, told: str
) -> None:
    answer, findings = await on_samples(KnowledgeAgent).basic_answer(question, language)
    assert answer == told
    assert findings[0].sources == []


async def test_a_folder_that_is_not_there_is_an_unavailable_source_until_it_is(
    on_samples: Built, folder: Path
) -> None:
    away = folder.with_name("away")
    move(folder, away)
    agent = on_samples(KnowledgeAgent)
    with pytest.raises(SourceUnavailable, match="no such folder"):
        await agent.basic_answer("When are you open?", "en")
    move(away, folder)
    assert (await agent.basic_answer("When are you open?", "en"))[0].startswith("We are open")


def test_each_heading_with_text_is_a_passage() -> None:
    passages = Passages({"shop.md": SHOP})
    found = passages.search("bicycles open devolver", at_most=9, min_score=0)
    assert {passage.heading for passage in found} == {"shop", "Opening hours", "Devoluciones"}


def test_the_best_passages_come_first_and_no_more_than_asked_for() -> None:
    files = {
        "a.md": "# One\nred apples and pears",
        "b.md": "# Two\nred cherries",
        "c.md": "# Three\napples, red apples, apples",
    }
    found = Passages(files).search("red apples", at_most=2, min_score=0.3)
    assert [passage.heading for passage in found] == ["Three", "One"]


def test_no_files_hold_no_passage() -> None:
    assert Passages({}).search("anything", at_most=1, min_score=0) == []
