"""What of a run's input is read."""

from typing import Any

import pytest
from fastapi.exceptions import RequestValidationError

from harness.errors import InputRefused
from harness.http.langgraph_server.inputs import RunInput

CALL = "f" * 32


@pytest.mark.parametrize(
    "given",
    [
        {"message": "hi"},
        {"messages": [{"role": "user", "content": "hi"}]},
        {"messages": [{"type": "human", "content": "hi", "id": "1"}]},
        {
            "messages": [
                {"type": "ai", "content": "no"},
                5,
                {"type": "human", "content": [{"type": "text", "text": "hi"}]},
            ]
        },
    ],
)
def test_a_message_is_read_in_every_form_of_chat_clients(given: Any) -> None:
    assert RunInput.message(given) == "hi"


@pytest.mark.parametrize(
    "given",
    [
        None,
        [],
        "hi",
        {},
        {"message": 5},
        {"message": None},
        {"message": "hi", "history": []},
        {"message": "hi", "messages": []},
        {"messages": "hi"},
        {"messages": []},
        {"messages": ["hi"]},
        {"messages": [{"type": "human", "content": "hi"}, {"type": "ai", "content": "no"}]},
        {"messages": [{"type": "human"}]},
        {"messages": [{"type": "human", "content": [{"type": "image_url", "image_url": "x"}]}]},
    ],
)
def test_what_is_no_message_is_refused(given: Any) -> None:
    with pytest.raises((InputRefused, RequestValidationError)):
        RunInput.message(given)


def test_a_decision_is_read_with_the_value_of_a_structured_answer() -> None:
    assert RunInput.decision({"id": CALL, "verdict": "approve"}) == {"id": CALL, "verdict": "approve"}
    assert RunInput.decision({"id": CALL, "verdict": "reject", "value": None}) == {"id": CALL, "verdict": "reject"}
    assert RunInput.decision({"id": CALL, "verdict": "approve", "value": 3})["value"] == 3


@pytest.mark.parametrize(
    "given",
    [
        None,
        "approve",
        {},
        {"id": CALL},
        {"id": 5, "verdict": "approve"},
        {"id": "4111 1111 1111 1111", "verdict": "approve"},
        {"id": CALL, "verdict": "maybe"},
        {"id": CALL, "verdict": "approve", "unresolved": []},
    ],
)
def test_what_is_no_decision_is_refused(given: Any) -> None:
    with pytest.raises(InputRefused, match="resume with"):
        RunInput.decision(given)
