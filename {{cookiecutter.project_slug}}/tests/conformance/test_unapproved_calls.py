"""A model that was talked into changing something: a person sees the call, and nothing else runs."""

from collections.abc import Mapping
from typing import Any

import httpx2
import pytest

from tests.conformance.conftest import Served
from tests.conformance.test_gullible_agent import gullible, world  # noqa: F401  # fixtures
from tests.support.peers.openai_replies import Reply, Request, Text, ToolCalls
from tests.support.vault import FINE, VaultAgent

DONE = "Done, a.md is erased."


class Eager:
    """Calls what it is told, then says that all of it is done."""

    def __init__(self, *rounds: list[tuple[str, Mapping[str, Any]]]) -> None:
        self._rounds = rounds

    def __call__(self, request: Request) -> Reply:
        done = len(request.results)
        for calls in self._rounds:
            if done < len(calls):
                return ToolCalls([(name, dict(arguments)) for name, arguments in calls])
            done -= len(calls)
        return Text(DONE)


def erase(name: Any = "a.md") -> tuple[str, Mapping[str, Any]]:
    return "erase", {"name": name}


async def asked(vault: Served, *rounds: list[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    vault.model.breaks(Eager(*rounds), "agent")
    return await vault.ask("What is in the vault?", "t1")


async def decide(vault: Served, approval: Mapping[str, Any], decision: str) -> httpx2.Response:
    path = f"/v1/threads/t1/approvals/{approval['id']}"
    return await vault.client.post(path, json={"decision": decision})


@pytest.mark.checklist("DEF-2", "ABU-2")
async def test_nothing_that_writes_runs_before_a_person_has_said_yes(
    gullible: Served,  # noqa: F811  # a fixture
) -> None:
    reply = await asked(gullible, [erase()])
    assert VaultAgent.ran == []
    assert DONE not in reply["answer"]
    assert "nothing has been done yet" in reply["answer"]
    (approval,) = reply["approvals"]
    assert (approval["tool"], approval["arguments"]) == ("erase", {"name": "a.md"})
    (told,) = gullible.asked("agent")[1].results
    assert "a person must approve this call first" in str(told)
    assert not reply["degraded"]

    asked_before = len(gullible.server.requests)
    assert (await decide(gullible, approval, "approve")).json()["answer"] == "a.md"
    assert VaultAgent.ran == ["erase"]
    assert len(gullible.server.requests) == asked_before  # no model has a part in what runs


async def test_arguments_that_are_not_the_tools_wait_for_nobody(gullible: Served) -> None:  # noqa: F811  # a fixture
    reply = await asked(gullible, [("erase", {"nam": "a.md"})])
    assert reply["approvals"] == []
    assert "name" in str(gullible.asked("agent")[1].results)
    assert VaultAgent.ran == []


async def test_a_call_that_is_asked_for_again_waits_once(gullible: Served) -> None:  # noqa: F811  # a fixture
    reply = await asked(gullible, [erase()], [erase(), erase("b.md")], [erase()])
    assert [it["arguments"]["name"] for it in reply["approvals"]] == ["a.md", "b.md"]


async def test_no_more_calls_wait_than_an_agent_may_make(gullible: Served) -> None:  # noqa: F811  # a fixture
    names = [f"{number}.md" for number in range(7)]
    reply = await asked(gullible, [erase(it) for it in names], [erase("8.md"), erase("9.md")])
    assert len(reply["approvals"]) == 8  # AGENT_MAX_TOOL_CALLS


async def test_what_was_read_beside_it_is_told_in_the_agents_own_words(
    gullible: Served,  # noqa: F811  # a fixture
) -> None:
    reply = await asked(gullible, [("read", {"name": "a.md"}), erase()])
    assert reply["answer"].startswith(f"{FINE}\n\nThis waits for approval")
    assert [it["status"] for it in reply["agents"]] == ["answered", "waiting"]


@pytest.mark.parametrize("name", ["<img src=//evil.example>", "https://evil.example/a", "x@evil.example"])
async def test_arguments_that_no_answer_may_hold_are_shown_as_data_alone(
    gullible: Served, name: str  # noqa: F811  # a fixture
) -> None:
    reply = await asked(gullible, [erase(name)])
    assert "evil" not in reply["answer"]
    assert reply["answer"].endswith(": vault.erase")
    assert reply["approvals"][0]["arguments"] == {"name": name}


async def test_a_model_that_fails_after_it_has_called_leaves_the_call_to_the_person(
    gullible: Served,  # noqa: F811  # a fixture
) -> None:
    def fails(request: Request) -> Reply:
        return Text("") if request.results else ToolCalls([("erase", {"name": "a.md"})])

    gullible.model.breaks(fails, "agent")
    reply = await gullible.ask("What is in the vault?", "t1")
    assert [it["status"] for it in reply["agents"]] == ["waiting"]
    assert VaultAgent.ran == []


async def test_on_the_stream_nothing_says_that_it_is_done(gullible: Served) -> None:  # noqa: F811  # a fixture
    gullible.model.breaks(Eager([erase()]), "agent")
    stream = await gullible.stream("What is in the vault?")
    assert DONE not in str(stream)
    assert len(stream[-1][1]["approvals"]) == 1
    assert VaultAgent.ran == []
