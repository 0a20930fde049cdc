"""A stream leaves in audited sentences, however it was cut."""

import pytest

from app.guardrails.grounding import Grounding
from app.guardrails.sentences import SentenceGate

GOOD = "It is 18.4 degrees. Rain is at 65 %.\nTake care"


def released(pieces: list[str]) -> tuple[str, bool]:
    gate = SentenceGate(Grounding([18.4, 65]))
    text = "".join(sentence for piece in pieces for sentence in gate.feed(piece))
    return text + "".join(gate.rest()), gate.is_closed


@pytest.mark.parametrize("cut", range(len(GOOD)))
def test_a_grounded_text_passes_whole_at_every_cut(cut: int) -> None:
    assert released([GOOD[:cut], GOOD[cut:]]) == (GOOD, False)


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_an_invented_figure_never_leaves_and_closes_the_gate(size: int) -> None:
    text = "It is 18.4 degrees. Tomorrow 99 degrees. Rain is at 65 %."
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    assert released(pieces) == ("It is 18.4 degrees. ", True)


def test_the_last_words_are_audited_too() -> None:
    assert released(["It is 99"]) == ("", True)
