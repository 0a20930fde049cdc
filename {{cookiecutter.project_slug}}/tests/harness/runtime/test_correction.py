"""A model is told once more, with what to leave out."""

from harness.runtime.correction import Correction


def test_what_nothing_supports_is_named_up_to_a_bound() -> None:
    told = str(Correction.message("ungrounded", [f"x{n}." for n in range(99)], "en").content)
    assert "x0., x1.," in told
    assert f"x{Correction.MOST_NAMED - 1}." in told
    assert f"x{Correction.MOST_NAMED}." not in told


def test_another_language_is_asked_for_in_itself() -> None:
    assert "en español" in str(Correction.message("language", [], "es").content)
