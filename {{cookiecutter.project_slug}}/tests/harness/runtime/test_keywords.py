"""Which words meet a keyword, and which part of a question is about them."""

from typing import Any

import pytest

from harness.runtime.agent import Agent
from harness.runtime.keywords import Keywords


@pytest.fixture
def keywords() -> Keywords:
    words = {
        "en": ("franc", "currency", "convert", "rate", "deliver", "hot", "opening hours"),
        "es": ("dólar", "devolver"),
    }
    return Keywords(words)


@pytest.mark.parametrize(
    "text", ["Francs", "currencies", "converted", "the rates", "DELIVERY", "dólares", "Opening hours?", "rated"]
)
def test_a_word_meets_the_keyword_that_it_is_a_form_of(keywords: Keywords, text: str) -> None:
    assert keywords.score(text) == 1


@pytest.mark.parametrize(
    "text", ["the capital of France", "francés", "current", "a conversation", "hotel", "opening the hours", "rat", ""]
)
def test_a_word_that_only_begins_like_a_keyword_does_not(keywords: Keywords, text: str) -> None:
    assert keywords.score(text) == 0


@pytest.mark.parametrize(
    ("question", "focus"),
    [
        ("I am from Japan. What is the rate?", "What is the rate?"),
        ("In Lima and Quito, what is the rate?", "In Lima and Quito, what is the rate?"),
        ("What is the rate? I am from Japan.", "What is the rate?"),
        ("A rate, please, and more of it! What about Lima?", "A rate, please, and more of it! What about Lima?"),
        ("Nothing of the kind. At all.", "Nothing of the kind. At all."),
    ],
)
def test_a_question_is_read_where_its_keywords_stand(keywords: Keywords, question: str, focus: str) -> None:
    assert keywords.focus(question) == focus


def test_keywords_are_a_text_too_and_an_idiom_is_none_of_them() -> None:
    class Shop(Agent[Any]):
        description = "Orders."
        prompt = "Answer."
        keywords = {"en": "order,\n    send back", "es": ("tiempo",)}

    assert Shop.keywords["en"] == ("order", "send back")
    words = Keywords(Shop.keywords)
    assert words.score("I send back my order") == 2
    assert words.score("In order to eat, how long and cuánto tiempo?") == 0
