"""A task knows its language without being told."""

from harness.prompts.current_language import Speaking


def test_a_task_speaks_its_own_language_and_only_while_it_lasts() -> None:
    assert Speaking.language() == "en"
    with Speaking.of("es"):
        assert Speaking.language() == "es"
    assert Speaking.language() == "en"
