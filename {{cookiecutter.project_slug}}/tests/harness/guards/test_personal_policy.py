"""Each kind of personal data passes, is masked or is refused, as the operator says."""

import pytest

from harness.errors import InputRefused
from harness.guards.personal_policy import PiiRules

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
def test_what_is_to_be_masked_is_masked_on_its_way_in(
    acts: str, admitted: str, kinds: list[str]
) -> None:
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
    masked = policy.masked_unless(TEXT, lambda it: it.kind == "email")
    assert masked == (f"Card [card], mail {EMAIL}.", ["card"])
    assert PiiRules("none").masked_unless(TEXT, lambda it: False) == (TEXT, [])
