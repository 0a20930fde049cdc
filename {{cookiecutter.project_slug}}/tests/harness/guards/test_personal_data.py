"""Personal data is found wherever it stands, and other digits are left alone.

Tests of `addresses`, `check_digits`, `national_ids`, `personal_data` and `phones`.
"""

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
        (
            "ES91\u00a02100\u00a00418\u00a04502\u00a00005\u00a01332",
            [("iban", "ES91\u00a02100\u00a00418\u00a04502\u00a00005\u00a01332")],
        ),
        ("ES91 2100 0418\n4502 0005 1332", [("iban", "ES91 2100 0418\n4502 0005 1332")]),
        ("CR05015202001026284066", [("iban", "CR05015202001026284066")]),
        ("visa4111111111111111", [("card", "4111111111111111")]),
        ("4111 - 1111 - 1111 - 1111", [("card", "4111 - 1111 - 1111 - 1111")]),
        ("4111\n5222\n1000\n2023", []),
        ("a14111111111111111", []),
        ("12 345 678 Z", [("national_id", "12 345 678 Z")]),
        ("CPF 529.982.247-25, not 529.982.247-26", [("national_id", "529.982.247-25")]),
        ("CUIT 20-12345678-6", [("national_id", "20-12345678-6")]),
        ("30.686.957-4", [("national_id", "30.686.957-4")]),
        ("V-11470283-4", [("national_id", "V-11470283-4")]),
        ("BOXW310820HNERXN09", [("national_id", "BOXW310820HNERXN09")]),
        ("1 84 12 76 451 089 46", [("national_id", "1 84 12 76 451 089 46")]),
        ("RSSMRA80A01H501U", [("national_id", "RSSMRA80A01H501U")]),
        ("AB 12 34 56 C", [("national_id", "AB 12 34 56 C")]),
        ("SSN 536-22-1234", [("national_id", "536-22-1234")]),
        ("la c\u00e9dula es 1.020.304.050", [("national_id", "1.020.304.050")]),
        ("c\u00e9dula del 20261122", []),
        ("(11) 91234-5678", [("phone", "(11) 91234-5678")]),
        ("9 8765 4321", [("phone", "9 8765 4321")]),
        ("1-212-555-0123", [("phone", "1-212-555-0123")]),
        ("wa.me/34612345678", [("phone", "34612345678")]),
        ("3001234567", [("phone", "3001234567")]),
        ("pedido 3001234567, 3000000000", []),
        ("Resultado 612-345-678", []),
        ("ana @ example.com", [("email", "ana @ example.com")]),
        ("to=ana%40example.com", [("email", "ana%40example.com")]),
        ("ana (at) example (dot) com", [("email", "ana (at) example (dot) com")]),
        ("git@github.com:a/b.git and logo@2x.png", []),
        ("version 1.2.3.4, section 4.1.2.3, 10:20::30", []),
        ("127.0.0.1, 127.0.0.53, 0.0.0.0/0 and ::1 are of no caller", []),
        ("00 34 612 34 56 78", [("phone", "00 34 612 34 56 78")]),
        ("from 203.0.113.7 to 2001:db8::1", [("ip", "203.0.113.7"), ("ip", "2001:db8::1")]),
    ],
)
def test_what_counts_as_personal(text: str, found: list[tuple[str, str]]) -> None:
    assert [(it.kind, it.text) for it in FINDER.find(text)] == found


def test_two_spellings_of_a_value_are_the_same_plain() -> None:
    (one,), (other,) = FINDER.find("+34 600-123 456"), FINDER.find("+34600123456")
    assert one.plain == other.plain == "34600123456"
    (one,), (other,) = FINDER.find("ana [at] example [dot] com"), FINDER.find("Ana@Example.com")
    assert one.plain == other.plain == "ana@example.com"


@pytest.mark.parametrize(
    "piece",
    [
        "1 ",
        "1",
        "4111 ",
        "ES91 ",
        "a@",
        "a.",
        "+1 ",
        "1.1.",
        ":1",
        "X1234567",
        "(1) ",
        "6-",
        "ES00 ",
        "4111\n",
        "DNI 1234567 ",
        "12.345.678-",
        "a @ ",
        "612345678 ",
    ],
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
