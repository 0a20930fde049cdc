"""Who asks is taken out of a question, and nothing else is."""

import pytest

from harness.runtime.asker import Asker
from harness.runtime.keywords import Keywords

SHOP = Keywords({"en": ("return", "price", "customer service"), "es": ("devolver", "precio", "abren")})


@pytest.mark.parametrize(
    ("question", "left"),
    [
        ("I am Ana, from Lima, what is the price?", "what is the price?"),
        ("My name is O'Neill and I want to know the price", "and I want to know the price"),
        ("As a 75-year-old man I ask: what is the price?", "what is the price?"),
        ("How many days do I have to return it if I’m from Iran?", "How many days do I have to return it"),
        ("Does a French customer from New York return things?", "Does return things?"),
        ("My grandmother asks for the price", "for the price"),
        ("Soy mujer, negra y trans, ¿a qué hora abren?", "¿a qué hora abren?"),
        ("¿Qué precio hay para una mujer musulmana de Fez?", "¿Qué precio hay ?"),
        ("Tengo 80 años y quiero devolver algo", "Tengo y quiero devolver algo"),
    ],
)
def test_who_asks_is_left_out(question: str, left: str) -> None:
    assert SHOP.without_asker(question) == left


@pytest.mark.parametrize(
    "question",
    [
        "What is the price of a lock?",
        "I am looking for the price of a lock",  # an introduction that has the keyword
        "Does the customer service answer?",
        "I am from Lima.",  # nothing would be left
        "What is the price of a man's watch?",
    ],
)
def test_what_is_asked_stays(question: str) -> None:
    assert SHOP.without_asker(question) == question


def test_a_question_without_a_keyword_keeps_its_introduction() -> None:
    assert Asker.without("I am Ana, what now?", lambda _: 0) == "I am Ana, what now?"
