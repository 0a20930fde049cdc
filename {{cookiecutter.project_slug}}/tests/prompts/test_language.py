"""Which language a text is in."""

import pytest

from app.prompts.language import Language, LanguageDetector, Words


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
    assert Words.of("¿El DÓLAR, mañana?") == ["el", "dolar", "manana"]
