"""Which language a text is in."""

import pytest

from harness.prompts.language import Language, LanguageDetector, Words


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("What's the weather in Bogotá?", "en"),
        ("Any news about Spain", "en"),
        ("¿Qué tiempo hace en Bogotá y a cómo está el dólar?", "es"),
        ("dame las noticias de hoy", "es"),
        ("convert 100 USD to EUR", "en"),
        ("cuanto son 100 euros en dolares", "es"),
        ("Hola", "es"),
        ("hello", "en"),
    ],
)
@pytest.mark.parametrize("default", ["en", "es"])
def test_a_question_tells_its_language(text: str, language: Language, default: Language) -> None:
    assert LanguageDetector(default).detect(text) == language


@pytest.mark.parametrize("default", ["en", "es"])
def test_where_the_text_does_not_tell_the_default_counts(default: Language) -> None:
    assert LanguageDetector(default).detect("USD/EUR?") == default


def test_where_the_text_does_not_tell_the_conversation_goes_on_in_its_language() -> None:
    assert LanguageDetector("en").detect("Saturn", "es") == "es"
    assert LanguageDetector("en").detect("and Saturn?", "es") == "en"


def test_words_lose_accents_case_and_punctuation() -> None:
    assert Words.tokenize("¿El DÓLAR, mañana?") == ["el", "dolar", "manana"]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("It is the rate that you would have in the bank today.", "en"),
        ("El tipo es el que tiene hoy para la moneda que quieres.", "es"),
        ("250 USD = 215 EUR", None),
        ("Mars has 2.", None),
        ("The title is: el Banco de España sube la previsión", None),
    ],
)
def test_only_a_clear_text_tells_its_language(text: str, language: str | None) -> None:
    assert LanguageDetector.clearly(text) == language


def test_a_quoted_headline_is_not_the_answers_language() -> None:
    headline = "El Banco de España sube la previsión que tiene para este año"
    answer = f"- {headline} (El País)"
    assert LanguageDetector.clearly(answer) == "es"
    own = LanguageDetector.without_quotes(answer, headline.casefold() + " el país")
    assert LanguageDetector.clearly(own) is None
