"""A task knows its language without being told."""

from harness.prompts.current_language import CurrentLanguage


def test_a_task_speaks_its_own_language_and_only_while_it_lasts() -> None:
    assert CurrentLanguage.language() == "en"
    with CurrentLanguage.scope("es"):
        assert CurrentLanguage.language() == "es"
    assert CurrentLanguage.language() == "en"
