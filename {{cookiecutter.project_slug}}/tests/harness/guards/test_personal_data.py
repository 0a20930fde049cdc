"""Personal data is found wherever it stands, and other digits are left alone."""

import pytest

from harness.errors import InputRefused
from harness.guards.personal_data import PiiDetector, PiiRules
from tests.harness.guards.samples import CONTEXTS, PERSONAL, Harmless, Samples

FINDER = PiiDetector()
HARMLESS = 2200


@pytest.mark.checklist("INJ-3")
@pytest.mark.parametrize("kind", PERSONAL)
def test_every_valid_value_is_found_wherever_it_stands(kind: str) -> None:
    for value in Samples().of(PERSONAL[kind]):
        for context in CONTEXTS:
            text = context.replace("{}", value)
            found = [it.text for it in FINDER.find(text) if it.kind == kind]
            assert found == [value], text


def test_of_harmless_texts_at_most_one_in_a_hundred_is_touched() -> None:
    touched = [text for text in Harmless().texts(HARMLESS) if FINDER.find(text)]
    assert len(touched) <= HARMLESS // 100, touched


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("4111 1111 1111 1111 12/27", [("card", "4111 1111 1111 1111")]),
        ("3782-822463-10005", [("card", "3782-822463-10005")]),
        ("7 4111111111111111 9", [("card", "4111111111111111")]),
        ("4111 1111 1111 1112", []),
        ("es91 2100 0418 4502 0005 1332 hola", [("iban", "es91 2100 0418 4502 0005 1332")]),
        ("12.345.678-Z, x1234567l", [("national_id", "12.345.678-Z"), ("national_id", "x1234567l")]),
        ("20261122 y", []),
        ("tel: 612345678 / order 612345678", [("phone", "612345678")]),
        ("%2B34600123456", [("phone", "+34600123456")]),
        ("612 345 678 euros", []),
        ("(212) 555-0123 24 hours", [("phone", "(212) 555-0123")]),
        ("fe80::1, dead::beef, 12:30:45", [("ip", "fe80::1")]),
        ("v1.2.3.4 and 1.2.3.4.5 and 10.0.19045.1", []),
        ("user@host and a@b", []),
        ("a.b@c.example.", [("email", "a.b@c.example")]),
    ],
)
def test_what_counts_as_personal(text: str, found: list[tuple[str, str]]) -> None:
    assert [(it.kind, it.text) for it in FINDER.find(text)] == found


def test_two_spellings_of_a_value_are_the_same_plain() -> None:
    (one,), (other,) = FINDER.find("+34 600-123 456"), FINDER.find("+34600123456")
    assert one.plain == other.plain == "34600123456"


@pytest.mark.parametrize(
    "piece", ["1 ", "1", "4111 ", "ES91 ", "a@", "a.", "+1 ", "1.1.", ":1", "X1234567", "(1) ", "6-"]
)
def test_hostile_text_costs_time_in_proportion_to_its_length(piece: str) -> None:
    # A pattern that backtracks does not end on this; no clock is needed to see it.
    assert len(FINDER.find(piece * (200_000 // len(piece)))) < 200_000


CARD, EMAIL = "4111 1111 1111 1111", "ana@home.example"
TEXT = f"Card {CARD}, mail {EMAIL}."


@pytest.mark.parametrize(
    ("acts", "admitted", "kinds"),
    [
        ("none", TEXT, []),
        ("card:pass", TEXT, []),
        ("card:mask", f"Card [card], mail {EMAIL}.", ["card"]),
        ("card:mask,email:mask", "Card [card], mail [email].", ["card", "email"]),
    ],
)
def test_what_is_to_be_masked_is_masked_on_its_way_in(acts: str, admitted: str, kinds: list[str]) -> None:
    assert PiiRules(acts).mask_input(TEXT) == (admitted, kinds)


def test_what_is_refused_on_its_way_in_is_named_by_its_kind_alone() -> None:
    with pytest.raises(InputRefused) as refused:
        PiiRules("card:mask,email:refuse").mask_input(TEXT)
    assert "email" in refused.value.detail
    assert "PERSONAL_DATA_IN" in refused.value.detail
    assert EMAIL not in str(refused.value)
    assert PiiRules("email:refuse").mask_input("no address") == ("no address", [])


def test_the_audit_trail_sees_neither_what_is_masked_nor_what_is_refused() -> None:
    hidden = PiiRules("card:mask,email:refuse").hidden(TEXT)
    assert hidden == "Card [card], mail [email]."


def test_what_was_given_is_not_masked_on_its_way_out() -> None:
    policy = PiiRules("card:mask,email:mask")
    masked = policy.mask_unless(TEXT, lambda it: it.kind == "email")
    assert masked == (f"Card [card], mail {EMAIL}.", ["card"])
    assert PiiRules("none").mask_unless(TEXT, lambda it: False) == (TEXT, [])
