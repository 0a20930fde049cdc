"""Tests of `parts`: what a message says, what is kept of it, and what goes out."""

from collections.abc import Sequence
from typing import Any

import pytest
from a2a.helpers.proto_helpers import get_data_parts, new_data_part, new_text_part, new_url_part
from a2a.types.a2a_pb2 import Message, Part, Role
from a2a.utils.errors import ContentTypeNotSupportedError, InvalidParamsError

from harness.endpoints.a2a.parts import Incoming, Outgoing
from harness.guards.personal_data import PiiRules

pytestmark = pytest.mark.checklist("INT-2")

ONE, OTHER = "0" * 32, "1" * 32
MASK = PiiRules("card:mask").hidden
CARD = "4111 1111 1111 1111"


def read(*parts: Part) -> Incoming:
    return Incoming(Message(message_id=CARD, parts=parts, metadata={"card": CARD}))


@pytest.mark.parametrize(
    ("data", "waiting", "decided"),
    [
        ({"decision": "approve"}, [ONE], {"id": ONE, "verdict": "approve"}),
        ({"decision": "reject", "id": OTHER}, [ONE, OTHER], {"id": OTHER, "verdict": "reject"}),
        ({"decision": "approve", "value": {"n": 2}}, [ONE], {"id": ONE, "verdict": "approve", "value": {"n": 2}}),
    ],
)
def test_a_decision_names_its_call_where_several_wait(data: Any, waiting: Sequence[str], decided: Any) -> None:
    assert read(new_text_part("ok"), new_data_part(data)).decision(waiting) == decided


@pytest.mark.parametrize(
    ("data", "waiting"),
    [
        ({"decision": "approve"}, []),
        ({"decision": "approve"}, [ONE, OTHER]),
        ({"decision": "approve", "id": OTHER}, [ONE]),
        ({"decision": "approve", "id": [ONE]}, [ONE]),
        ({"decision": True}, [ONE]),
        ({"x": 1}, [ONE]),
        ("approve", [ONE]),
    ],
)
def test_what_is_no_decision_is_refused(data: Any, waiting: Sequence[str]) -> None:
    with pytest.raises(InvalidParamsError):
        read(new_data_part(data)).decision(waiting)


def test_texts_are_one_question() -> None:
    incoming = read(new_text_part("Moons"), new_data_part({"x": 1}), new_text_part("of Mars"))
    assert incoming.text == "Moons\nof Mars"
    assert incoming.decision([]) is None


@pytest.mark.parametrize("part", [new_url_part("http://x"), Part(raw=b"x"), Part()])
def test_files_and_addresses_are_not_read(part: Part) -> None:
    with pytest.raises(ContentTypeNotSupportedError):
        read(part)


def test_what_is_kept_is_masked() -> None:
    data = {"decision": "approve", "value": [CARD, {CARD: 4111111111111111, "n": 2, "half": 0.5, "is": True}]}
    kept = read(new_text_part(f"My card: {CARD}"), new_data_part({"x": CARD}), new_data_part(data)).masked(MASK)
    assert (kept.message_id, kept.parts[0].text) == ("[card]", "My card: [card]")
    assert get_data_parts(kept.parts) == [
        {"decision": "approve", "value": ["[card]", {"[card]": "[card]", "n": 2, "half": 0.5, "is": True}]}
    ]
    assert not kept.metadata
    assert len(kept.parts) == 2


def test_only_the_names_of_fields_are_changed() -> None:
    calls = [{"expires_at": "t", "arguments": {"order_number": 7}}]
    assert Outgoing._camel(calls) == [{"expiresAt": "t", "arguments": {"order_number": 7}}]


def test_calls_are_found_again() -> None:
    part = new_data_part({"approvals": [{"id": ONE, "expiresAt": "t1"}, {"id": OTHER, "expiresAt": "t2"}]})
    assert Outgoing.calls([new_text_part("x"), new_data_part([1]), part]) == (part, {ONE: "t1", OTHER: "t2"})
    assert Outgoing.calls([new_text_part("x")]) == (None, {})


@pytest.mark.parametrize(
    "changes",
    [
        {"role": Role.ROLE_AGENT},
        {"message_id": "x" * 257},
        {"parts": [new_data_part({"decision": "approve"}), new_data_part({"decision": "reject"})]},
    ],
    ids=["the service's own", "long id", "two decisions"],
)
def test_a_message_that_could_be_read_in_two_ways_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidParamsError):
        Incoming(Message(**{"message_id": "1", "parts": [new_text_part("x")], **changes}))
