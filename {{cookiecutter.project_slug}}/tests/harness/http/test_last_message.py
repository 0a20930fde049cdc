from typing import Any

import pytest
from fastapi.exceptions import RequestValidationError

from harness.http.last_message import LastMessage

SYSTEM = {"role": "system", "content": "x"}


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


PART = {"type": "text", "text": "a"}


@pytest.mark.parametrize(
    ("messages", "text"),
    [
        ([user("a")], "a"),
        ([user("b"), {"role": "assistant"}, 7, user("a"), SYSTEM, {"role": "developer"}], "a"),
        ([user([PART, PART])], "a\na"),
        ([user([])], ""),
    ],
)
def test_the_user_s_last_message_is_read(messages: list[Any], text: str) -> None:
    assert LastMessage.text(messages) == text


NOT_LAST: list[list[Any]] = [[], [SYSTEM], [user("a"), {"role": "assistant"}], [user("a"), 7]]
NO_TEXT: list[Any] = [None, 7, {}, [7], [{"type": "text"}], [PART, {"type": "x"}]]


@pytest.mark.parametrize(
    ("messages", "field"),
    [
        *((messages, ("messages",)) for messages in NOT_LAST),
        *(([user(content)], ("messages", "content")) for content in NO_TEXT),
    ],
)
def test_another_one_is_refused(messages: list[Any], field: tuple[str, ...]) -> None:
    with pytest.raises(RequestValidationError) as refused:
        LastMessage.text(messages)
    assert refused.value.errors()[0]["loc"] == ("body", *field)
