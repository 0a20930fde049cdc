"""Every kind of secret and of personal data, in a log and in an answer, whole and piece by piece."""

from collections.abc import Callable, Iterable

import pytest

from harness.guards.leaks import Leaks
from harness.guards.output import OutputGuard, OutputPolicy, SentenceBuffer
from harness.guards.personal_data import PiiRules
from harness.settings import Settings
from harness.telemetry.redaction import Redactor
from tests.harness.guards.samples import CONTEXTS, PERSONAL, SECRETS, Harmless, Samples

pytestmark = pytest.mark.slow

REDACTOR = Redactor()
OUTGOING = OutputPolicy(Leaks([], REDACTOR), PiiRules(Settings().personal_data_out), "off")
HARMLESS = 2200

Make = Callable[[Samples], str]


def guard() -> OutputGuard:
    return OutputGuard(OUTGOING, "", [], ["https://shop.example"])


def told(pieces: Iterable[str]) -> tuple[str, str | None]:
    gate = SentenceBuffer(guard())
    text = "".join(sentence for piece in pieces for sentence in gate.feed(piece))
    return text + "".join(gate.rest()), gate.refusal


def texts(make: Make) -> list[tuple[str, str]]:
    """Each value and a text with it, the contexts in turn."""
    values = list(Samples().of(make))
    return [
        (value, CONTEXTS[(at + step) % len(CONTEXTS)].replace("{}", value))
        for at, value in enumerate(values)
        for step in (0, 3)
    ]


def hidden_part(value: str) -> str:
    """The end of a secret, which is no name and no scheme: what must not be readable."""
    return value.rstrip("=").replace("@db.internal:5432/threads", "")[-10:]


@pytest.mark.checklist("SEC-2")
@pytest.mark.parametrize("kind", SECRETS)
def test_a_secret_of_every_kind_is_taken_out_of_a_log(kind: str) -> None:
    for value in Samples().of(SECRETS[kind]):
        for context in CONTEXTS:
            text = context.replace("{}", value)
            part = value.split("\n")[1][:20] if kind == "pem" else hidden_part(value)
            assert part in text
            assert part not in REDACTOR.text(text), text


@pytest.mark.checklist("INJ-3", "SEC-2")
@pytest.mark.parametrize("kind", SECRETS)
def test_a_secret_of_every_kind_is_held_back_at_every_cut(kind: str) -> None:
    for at, (value, text) in enumerate(texts(SECRETS[kind])):
        assert guard().violation(text) == "secret", text
        ways: list[Iterable[str]] = [text]  # sign by sign
        if at == 0:
            ways += [(text[:cut], text[cut:]) for cut in range(len(text))]
        for pieces in ways:
            out, refusal = told(pieces)
            assert refusal == "secret", text
            assert len(out) <= text.index(value)


@pytest.mark.checklist("INJ-3")
@pytest.mark.parametrize("kind", PERSONAL)
def test_personal_data_that_nobody_gave_is_held_back_at_every_cut(kind: str) -> None:
    for at, (value, text) in enumerate(texts(PERSONAL[kind])):
        assert guard().violation(text) == kind, text
        ways: list[Iterable[str]] = [text]
        if at == 0:
            ways += [(text[:cut], text[cut:]) for cut in range(len(text))]
        for pieces in ways:
            out, refusal = told(pieces)
            assert refusal == kind, text
            assert len(out) <= text.index(value)


@pytest.mark.checklist("INJ-3")
@pytest.mark.parametrize("kind", PERSONAL)
def test_personal_data_that_the_user_or_a_tool_gave_may_leave(kind: str) -> None:
    for value in Samples().of(PERSONAL[kind]):
        text = f"Yes, it is {value}."
        for question, found in ((f"Is it {value}?", []), ("What is it?", [{"it": value}])):
            assert OutputGuard(OUTGOING, question, found).violation(text) is None, text


@pytest.mark.checklist("SEC-2")
def test_of_harmless_texts_at_most_one_in_a_hundred_is_touched() -> None:
    harmless = list(Harmless().texts(HARMLESS))
    redacted = [text for text in harmless if REDACTOR.text(text) != text]
    held = [text for text in harmless if Leaks([], REDACTOR).find(text)]
    assert len(redacted) <= HARMLESS // 100, redacted
    assert not held, held


def test_a_card_over_two_lines_is_held_back_whole() -> None:
    out, refusal = told("It is:\n4111 1111\n1111 1111\nor so")
    assert "4111" not in out
    assert refusal in ("card", "ungrounded")
