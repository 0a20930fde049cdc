"""Check digits tell a card, an account and an identity number from other digits."""

import pytest

from harness.guards.check_digits import CheckDigits


@pytest.mark.parametrize(
    "digits",
    [
        "4111111111111111",
        "4222222222222",
        "378282246310005",
        "5555555555554444",
        "2223000048400011",
        "30569309025904",
        "6011111111111117",
        "3530111333300000",
        "6212345678900000003",
    ],
)
def test_a_card_of_a_known_brand_passes_and_any_other_digit_breaks_it(digits: str) -> None:
    assert CheckDigits.is_card(digits)
    for at in range(4, len(digits)):
        broken = digits[:at] + str((int(digits[at]) + 1) % 10) + digits[at + 1 :]
        assert not CheckDigits.is_card(broken)


@pytest.mark.parametrize("digits", ["1732280000000003", "411111111111111", "0000000000000000", ""])
def test_digits_that_no_brand_gives_out_are_no_card(digits: str) -> None:
    assert not CheckDigits.is_card(digits)


@pytest.mark.parametrize(
    ("value", "is_one"),
    [
        ("ES9121000418450200051332", True),
        ("GB29NWBK60161331926819", True),
        ("NO9386011117947", True),
        ("ES9121000418450200051333", False),
        ("ES912100041845020005133", False),
        ("XX9121000418450200051332", False),
    ],
)
def test_an_account_has_its_countrys_length_and_remainder(value: str, is_one: bool) -> None:
    assert CheckDigits.is_iban(value) is is_one


@pytest.mark.parametrize(
    ("value", "is_one"),
    [("12345678Z", True), ("12345678A", False), ("X1234567L", True), ("Y1234567X", True)],
)
def test_an_identity_number_has_its_letter(value: str, is_one: bool) -> None:
    assert CheckDigits.is_identity(value) is is_one
