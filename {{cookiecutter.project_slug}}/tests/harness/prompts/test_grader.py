"""The judge of the evaluation speaks one language, whatever the service speaks."""

from harness.prompts.grader import GRADER


def test_the_grader_s_prompt_has_one_language_and_names_no_value() -> None:
    assert list(GRADER.text) == ["en"]
    assert GRADER.render("en") == GRADER.render("es") == GRADER.text["en"]
    assert GRADER.metadata == {"prompt": "grader", "prompt_version": "1"}
