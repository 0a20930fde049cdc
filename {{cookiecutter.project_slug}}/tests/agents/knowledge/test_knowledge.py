from pathlib import Path

import pytest

from app.agents.knowledge.agent import KnowledgeAgent
from app.agents.knowledge.passages import Passages
from app.agents.knowledge.settings import KnowledgeSettings
from harness.errors import ClarificationNeeded, PolicyViolation, SourceUnavailable
from harness.prompts.language import Language
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


PRODUCTS = "name_en,name_es,price\nhelmet,casco,39.90\nlock,candado,24\n"


def move(folder: Path, to: Path) -> None:
    folder.rename(to)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "shop.md").write_text(SHOP, encoding="utf-8")
    (tmp_path / "products.csv").write_text(PRODUCTS, encoding="utf-8")
    monkeypatch.setenv("KNOWLEDGE_FOLDER", str(tmp_path))
    monkeypatch.setenv("KNOWLEDGE_DATABASE", f"csv:///{tmp_path.as_posix()}")
    return tmp_path


async def test_the_passage_is_the_answer_and_the_file_its_source(on_samples: Built, folder: Path) -> None:
    agent = on_samples(KnowledgeAgent)
    answer, findings = await agent.answer_without_model("When are you open?", "en")
    assert answer == "We are open from 9:00 to 18:00."
    assert findings[0].sources == [{"title": "Opening hours (shop.md)", "url": "shop.md"}]


@pytest.mark.parametrize(
    ("question", "language", "told"),
    [
        ("How much does a HELMET cost?", "en", "Price of helmet: 39.90."),
        ("¿Qué precio tiene el casco?", "es", "Precio de casco: 39,90."),
        ("Prices of helmets and of a lock?", "en", "Price of helmet: 39.90. Price of lock: 24.00."),
        ("Hello, the price of a helmet, please", "en", "Price of helmet: 39.90."),
        (
            "Price of a helmet and a tandem?",
            "en",
            "Price of helmet: 39.90. I found nothing about this in our documents: tandem.",
        ),
    ],
)
async def test_a_price_is_read_from_the_table(
    on_samples: Built, folder: Path, question: str, language: Language, told: str
) -> None:
    answer, findings = await on_samples(KnowledgeAgent).answer_without_model(question, language)
    assert answer == told
    title = {"en": "Price list", "es": "Lista de precios"}[language]
    assert findings[1].sources == [{"title": title, "url": "products"}]


@pytest.mark.parametrize("question", ["How much is it?", "¿Cuánto cuesta?", "What's the price, please?"])
def test_a_price_of_nothing_is_asked_back(on_samples: Built, folder: Path, question: str) -> None:
    with pytest.raises(ClarificationNeeded, match=r"Whose price|el precio"):
        on_samples(KnowledgeAgent).plan_without_model(question, "en" if question.isascii() else "es")


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("When do you shut?", "When do you opening hours?"),
        ("Can I have my money back?", "Can I have my money return?"),
        ("¿Cuánto cobran por mandar un pedido?", "¿Cuánto por envío un pedido?"),
        ("Is the store open in Nigeria?", "Is the  opening hours  ?"),
    ],
)
def test_a_subject_is_searched_for_as_the_documents_call_it(
    on_samples: Built, folder: Path, question: str, asked: str
) -> None:
    [search, *_] = on_samples(KnowledgeAgent).plan_without_model(question, "en")
    assert search.arguments["question"].split() == asked.split()


async def test_a_price_that_the_table_does_not_hold_is_looked_for_in_the_documents(
    on_samples: Built, folder: Path
) -> None:
    answer, _ = await on_samples(KnowledgeAgent).answer_without_model("What does opening cost?", "en")
    assert answer == "We are open from 9:00 to 18:00."


async def test_the_agent_can_read_its_one_table_and_no_other(on_samples: Built, folder: Path) -> None:
    tables = on_samples(KnowledgeAgent).resources.tables
    assert len(await tables.rows("SELECT * FROM products")) == 2
    for query in ("SELECT * FROM staff", "DELETE FROM products", "SELECT 1; SELECT 2"):
        with pytest.raises((PolicyViolation, SourceUnavailable)):
            await tables.rows(query)


def test_the_password_of_the_database_is_a_secret() -> None:
    settings = KnowledgeSettings(database="postgresql://reader:hunter%402@db/shop")
    assert [it.get_secret_value() for it in settings.secrets()] == ["hunter%402", "hunter@2"]
    assert "hunter" not in repr(settings)


async def test_accents_case_and_endings_do_not_matter(on_samples: Built, folder: Path) -> None:
    answer, _ = await on_samples(KnowledgeAgent).answer_without_model("DEVOLUCION de bicicletas", "es")
    assert answer == "Tienes 30 días para devolver una bicicleta."


@pytest.mark.parametrize(
    ("question", "language", "told"),
    [
        ("What about quantum physics?", "en", "I found nothing about this in our documents: quantum, physics."),
        ("¿Qué hay de física?", "es", "No encontré nada sobre esto en nuestros documentos: física."),
        ("What is it?", "en", "I found nothing about that in our documents."),
    ],
)
async def test_what_no_document_holds_is_said_so(
    on_samples: Built, folder: Path, question: str, language: Language, told: str
) -> None:
    answer, findings = await on_samples(KnowledgeAgent).answer_without_model(question, language)
    assert answer == told
    assert findings[0].sources == []


async def test_a_folder_that_is_not_there_is_an_unavailable_source_until_it_is(on_samples: Built, folder: Path) -> None:
    away = folder.with_name("away")
    move(folder, away)
    agent = on_samples(KnowledgeAgent)
    with pytest.raises(SourceUnavailable, match="no such folder"):
        await agent.answer_without_model("When are you open?", "en")
    move(away, folder)
    assert (await agent.answer_without_model("When are you open?", "en"))[0].startswith("We are open")


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


def test_a_passage_in_the_language_of_the_question_comes_first() -> None:
    files = {
        "shop.md": "# Contact\nWrite to us by mail, and we will answer you.",
        "tienda.md": "# Contacto\nEscribe a la tienda y te respondemos.",
    }
    for language, headings in (("es", ["Contacto", "Contact"]), ("en", ["Contact", "Contacto"])):
        found = Passages(files).search("contact", at_most=3, min_score=0.3, language=language)
        assert [it.heading for it in found] == headings


def test_a_passage_that_is_far_behind_the_best_one_is_left_out() -> None:
    files = {
        "a.md": "# Red pears\nRed pears are pears.",
        "b.md": "# Cherries\nRed ones.",
        "c.md": "# Plums\nBlue ones.",
    }
    assert [it.heading for it in Passages(files).search("red pears", at_most=3, min_score=0)] == ["Red pears"]


def test_no_files_hold_no_passage() -> None:
    assert Passages({}).search("anything", at_most=1, min_score=0) == []


def test_a_word_aside_is_no_answer() -> None:
    passages = Passages({"a.md": "# Returns\nWe refund the price.\n# Hours\nWe open at nine."})
    assert passages.search("price of a motorbike", at_most=1, min_score=0.3) == []
    assert [it.heading for it in passages.search("return a motorbike", at_most=1, min_score=0.3)] == ["Returns"]
    assert passages.unknown("What is the price of a motorbike?") == ["motorbike"]
