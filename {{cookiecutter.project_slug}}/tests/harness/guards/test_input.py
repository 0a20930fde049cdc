"""What the inbound guard lets in, and in which spelling."""

import pytest

from harness.errors import InputRefused
from harness.guards.input import InputGuard


@pytest.mark.parametrize(
    ("received", "admitted"),
    [
        ("  How are you?\n", "How are you?"),
        ("ｆｕｌｌ ｗｉｄｔｈ", "full width"),
        ("zero\u200bwidth\u202eand direction", "zerowidthand direction"),
        ("bell\x07 and escape\x1b[31m", "bell and escape[31m"),
        ("lone\ud800surrogate and nul\x00", "lonesurrogate and nul"),
        ("two\nlines\tstay", "two\nlines\tstay"),
        ("¿Qué tal, señor?", "¿Qué tal, señor?"),
    ],
)
def test_what_looks_the_same_is_spelled_the_same(received: str, admitted: str) -> None:
    assert InputGuard(max_chars=100).clean(received) == admitted


@pytest.mark.parametrize("message", ["", "   \n", "\u200b\u202e", "\x00"])
def test_a_message_with_nothing_to_read_is_refused(message: str) -> None:
    with pytest.raises(InputRefused) as refusal:
        InputGuard(max_chars=100).clean(message)
    assert refusal.value.detail == "message: it is empty; send a question"


@pytest.mark.parametrize(("length", "is_admitted"), [(9, True), (10, True), (11, False)])
def test_the_bound_holds_below_at_and_above(length: int, is_admitted: bool) -> None:
    guard = InputGuard(max_chars=10)
    if is_admitted:
        assert guard.clean("x" * length) == "x" * length
        return
    with pytest.raises(InputRefused) as refusal:
        guard.clean("x" * length)
    assert "11 characters, allowed are 10" in refusal.value.detail
    assert "MESSAGE_MAX_CHARS" in refusal.value.detail


def test_a_text_that_grows_when_normalised_is_measured_grown() -> None:
    with pytest.raises(InputRefused) as refusal:
        InputGuard(max_chars=10).clean("\ufdfa")  # one sign, eighteen letters in NFKC
    assert "18 characters" in refusal.value.detail
