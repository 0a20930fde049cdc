"""P5: LangSmith gets runs where the service's own setting says so, redacted, and no text otherwise, on every host."""

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.harness.platforms.hosts import HOSTS, Host, new_thread
from tests.support.peers.collector import Collector, Sent

COUNTS = "/v1/metadata/submit"
"""Where the LangGraph server itself sends counts, with its licence key, as soon as there is a key."""

KEY = "lsv2_" + "pt_planted0123456789abcdef"
CARD = "4111 1111 1111 1111"
QUESTION = f"State of order 5, my card is {CARD}"


async def told(kind: type[Host], folder: Path, **settings: str) -> Sequence[Sent]:
    """What LangSmith is told of a question, with its key in the environment."""
    with Collector() as peer:
        there = {"LANGSMITH_API_KEY": KEY, "LANGSMITH_ENDPOINT": peer.url, **settings}
        with kind.started(there, folder) as host:
            assert "Order 5 is open." in (await host.ask(QUESTION, new_thread()))["answer"]
        return peer.sent


@pytest.mark.checklist("PLAT-2")
@pytest.mark.parametrize("kind", HOSTS, ids=lambda it: it.name)
async def test_a_key_alone_sends_no_text(kind: type[Host], tmp_path: Path) -> None:
    sent = await told(kind, tmp_path / "alone")
    paths = sorted({it.path for it in sent})
    sys.stdout.write(f"\n{kind.name}, a key and no LANGSMITH_TRACING: {paths or 'nothing'}\n")
    assert set(paths) <= {COUNTS}
    assert not [it for it in sent if b"order" in it.body.lower() or CARD.encode() in it.body]


@pytest.mark.checklist("PLAT-2")
@pytest.mark.parametrize("kind", HOSTS, ids=lambda it: it.name)
async def test_runs_are_sent_redacted_where_that_is_asked_for(kind: type[Host], tmp_path: Path) -> None:
    sent = await told(kind, tmp_path / "asked", LANGSMITH_TRACING="true")
    text = b"".join(it.body for it in sent if it.path != COUNTS)
    sys.stdout.write(f"\n{kind.name}, LANGSMITH_TRACING=true: {len(text)} bytes in {len(sent)} requests\n")
    assert b"State of order 5" in text
    assert CARD.encode() not in text
    assert KEY.encode() not in text
