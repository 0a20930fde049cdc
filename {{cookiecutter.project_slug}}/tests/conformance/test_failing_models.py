"""Cases 1 to 12: whatever breaks behind the model's address, an answer comes in time and says so."""

import socket
import tracemalloc
from typing import Any

import pytest

from tests.conformance.conftest import ROLES, Served
from tests.support.peers import openai_faults as faults
from tests.support.peers.openai_replies import Failure, Hang, NoChoices, Reply, Text, ToolCalls
from tests.support.scripted_model import QUESTION, WRITTEN

OWN_WORDS = "mars has 2 moons.\n\neverest is 8849 m high."
"""What the agents say from their data alone."""

TIMEOUTS: dict[str, Reply] = {
    "2 hangs": Hang(),
    "3 drips": faults.Drip(),
    "4 keep-alive comments only": faults.Comments(),
}
BUSY: dict[str, Reply] = {
    "5 503": Failure(503),
    "5 500": Failure(500),
    "6 429 for 2 s": faults.Busy(2),
    "6 429 for an hour": faults.Busy(3600),
}
MALFORMED: dict[str, Reply] = {
    "7 HTML": faults.Html(),
    "7 truncated JSON": faults.TruncatedJson(),
    "7 wrong schema": faults.WrongSchema(),
    "7 no choices": NoChoices(),
    "7 null content": faults.NullContent(),
    "12 gzip bomb": faults.GzipBomb(),
    "12 ten megabytes": faults.Huge(),
}
OTHERS: dict[str, Reply] = {
    "1 reset": faults.Reset(),
    "refused key": Failure(401, "bad key"),
    "8 cut in mid-stream": faults.CutStream(),
    "9 reset in mid-stream": faults.ResetStream(),
    "broken frame": faults.BrokenFrame(),
}


WAITS = pytest.mark.slow
"""For what waits out a deadline as another variant does."""


def cases(faults: dict[str, Reply], *waiting: str) -> pytest.MarkDecorator:
    named = [pytest.param(it, id=name, marks=[WAITS] if name in waiting else []) for name, it in faults.items()]
    return pytest.mark.parametrize("fault", named)


async def check_all_roles(served: Served, fault: Reply) -> None:
    served.model.breaks(fault)
    reply = await served.ask(QUESTION)
    assert reply["answer"] == OWN_WORDS
    assert [agent["status"] for agent in reply["agents"]] == ["answered", "answered"]
    wanted = {f"{role}_unavailable" for role in ("planner", "model", "writer")}
    assert wanted <= set(reply["degraded_because"]) <= {*wanted, "out_of_time"}


@cases(TIMEOUTS, "3 drips", "4 keep-alive comments only")
@pytest.mark.checklist("TEST-3", "OBS-4")
async def test_a_model_that_takes_for_ever_is_answered_for_by_the_data(served: Served, fault: Reply) -> None:
    await served.start_hurried()
    await check_all_roles(served, fault)


@cases(BUSY, "5 500", "6 429 for 2 s")
@pytest.mark.checklist("TEST-4", "OBS-4")
async def test_a_model_that_is_down_or_busy_is_answered_for_by_the_data(served: Served, fault: Reply) -> None:
    await served.start_hurried()
    await check_all_roles(served, fault)
    # Planner, two agents and writer, each tried at most twice.
    assert len(served.server.requests) <= 8


@cases(MALFORMED)
@pytest.mark.checklist("TEST-5", "TEST-6", "OBS-4")
async def test_what_is_no_answer_of_a_model_never_reaches_the_caller(served: Served, fault: Reply) -> None:
    await served.start()
    await check_all_roles(served, fault)


@cases(OTHERS)
@pytest.mark.checklist("TEST-4")
async def test_a_connection_that_breaks_is_answered_for_by_the_data(served: Served, fault: Reply) -> None:
    await served.start()
    await check_all_roles(served, fault)


@pytest.mark.checklist("TEST-4", "OBS-4")
async def test_a_model_that_cannot_be_reached_is_answered_for_by_the_data(served: Served, closed_port: int) -> None:
    await served.start(model_url=f"http://127.0.0.1:{closed_port}/v1")
    reply = await served.ask(QUESTION)
    assert reply["answer"] == OWN_WORDS
    assert "model_unavailable" in reply["degraded_because"]


@pytest.mark.checklist("TEST-4", "OBS-4")
async def test_a_model_whose_name_nobody_knows_is_answered_for_by_the_data(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def no_such_name(host: str | bytes | None, *_: Any, **__: Any) -> Any:
        asked.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_such_name)
    await served.start(model_url="http://models.invalid/v1")
    reply = await served.ask(QUESTION)
    assert reply["answer"] == OWN_WORDS
    assert "model_unavailable" in reply["degraded_because"]
    assert set(asked) <= {"models.invalid", b"models.invalid"}
    assert asked


@pytest.mark.checklist("TEST-5")
@pytest.mark.parametrize("fault", [faults.GzipBomb(), faults.Huge()], ids=["gzip bomb", "huge"])
async def test_an_answer_without_end_is_not_taken_into_memory(served: Served, fault: Reply) -> None:
    limit = 100_000
    await served.start(llm_max_answer_bytes=limit, answer_cache_ttl_seconds=0)
    await served.ask(QUESTION)  # SDKs import late
    served.model.breaks(faults.GzipBomb())
    tracemalloc.start()
    try:
        reply = await served.ask(QUESTION)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert reply["answer"] == OWN_WORDS
    assert peak < 50 * limit


LOST = {"planner": "planner_unavailable", "agent": "model_unavailable", "writer": "writer_unavailable"}


@pytest.mark.parametrize("role", ROLES)
@cases({"hangs": Hang(), "fails": Failure(500)}, "hangs")
@pytest.mark.checklist("TEST-3", "TEST-4")
async def test_one_role_that_breaks_costs_its_own_part_only(served: Served, role: str, fault: Reply) -> None:
    await served.start_hurried()
    served.model.breaks(fault, role)
    reply = await served.ask(QUESTION)
    said = {
        "planner": WRITTEN,
        "agent": f"As I was told: {OWN_WORDS.replace(chr(10) * 2, ' And then: ')}",
        "writer": "My tool says 2 for mars.\n\nMy tool says 8849 for everest.",
    }
    assert reply["answer"] == said[role]
    assert set(reply["degraded_because"]) - {"out_of_time"} == {LOST[role]}


async def test_a_caller_is_answered_well_as_soon_as_the_model_is_back(served: Served) -> None:
    served.model.breaks(faults.Html())
    await served.start(llm_breaker_failures=100)
    assert (await served.ask(QUESTION))["degraded"]
    served.model.heal()
    reply = await served.ask(QUESTION)
    assert reply["answer"] == WRITTEN
    assert not reply["degraded"]


HALF = ("As I was told: 2 moons. ", "Ever")
"""A whole sentence, which is streamed at once, and the beginning of another."""


@cases(
    {
        "8 cut without a finish": faults.CutStream(HALF),
        "9 reset": faults.ResetStream(HALF),
        "9 stalled": faults.StalledStream(HALF),
    },
    "9 stalled",
)
@pytest.mark.checklist("TEST-3", "TEST-5")
async def test_half_an_answer_is_withdrawn_and_never_continued_by_another(served: Served, fault: Reply) -> None:
    await served.start_hurried()
    served.model.breaks(fault, "writer")
    events = await served.stream(QUESTION)
    names = [name for name, _ in events]
    tokens = [data["text"] for name, data in events if name == "token"]
    final = events[-1][1]
    assert tokens == ["As I was told: 2 moons. ", final["answer"]]
    assert names[-3:] == ["withdrawn", "token", "final"]
    assert events[-3][1] == {"because": "writer_unavailable"}
    assert final["answer"] == "My tool says 2 for mars.\n\nMy tool says 8849 for everest."
    assert "writer_unavailable" in final["degraded_because"]


@cases({"hangs": Hang(), "fails": Failure(500)}, "hangs")
async def test_a_writer_that_never_begins_leaves_the_stream_to_the_agents_words(served: Served, fault: Reply) -> None:
    await served.start_hurried()
    served.model.breaks(fault, "writer")
    events = await served.stream(QUESTION)
    tokens = "".join(data["text"] for name, data in events if name == "token")
    assert tokens == events[-1][1]["answer"]
    assert "withdrawn" not in [name for name, _ in events]


async def test_half_an_answer_is_not_what_the_thread_remembers(served: Served) -> None:
    served.model.breaks(faults.CutStream(HALF), "writer")
    await served.start()
    reply = await served.ask(QUESTION)
    await served.ask("And now?", reply["thread_id"])
    told = str(served.asked("planner")[-1].messages[0]["content"])
    assert "My tool says 2 for mars." in told
    assert "As I was told" not in told


@pytest.mark.checklist("TEST-6")
async def test_a_plan_that_breaks_its_schema_gets_one_chance_to_be_mended(served: Served) -> None:
    said = iter([Text('{"verdict": "work"}')])

    def mends(request: Any) -> Reply:
        return next(said, None) or served.model._plan(request)

    served.model.breaks(mends, "planner")
    await served.start()
    reply = await served.ask(QUESTION)
    assert reply["answer"] == WRITTEN
    assert not reply["degraded"]
    assert len(served.asked("planner")) == 2
    assert "cannot be carried out" in str(served.asked("planner")[-1].messages[-1]["content"])


@pytest.mark.checklist("TEST-6")
async def test_a_plan_that_stays_broken_is_made_by_the_rules(served: Served) -> None:
    served.model.breaks(Text('{"verdict": 5}'), "planner")
    await served.start()
    reply = await served.ask(QUESTION)
    assert reply["answer"] == WRITTEN
    assert reply["degraded_because"] == ["unusable_plan"]
    assert len(served.asked("planner")) == 2


class RawCall(ToolCalls):
    """A tool call whose arguments are this text."""

    def __init__(self, arguments: str) -> None:
        super().__init__([("look_up", {})])
        object.__setattr__(self, "_arguments", arguments)

    def _written(self) -> list[tuple[str, str]]:
        return [("look_up", self._arguments)]  # type: ignore[attr-defined] # set above


@pytest.mark.parametrize(
    "call",
    [
        ToolCalls([("delete_everything", {})]),
        RawCall("{nope"),
        RawCall("[1, 2]"),
        ToolCalls([("look_up", {"name": "x" * 1_000_000})]),
        ToolCalls([("look_up", {"nom": "mars"})]),
        ToolCalls([("look_up", {"name": "mars"})] * 500),
    ],
    ids=["unknown tool", "no JSON", "no object", "1 MB", "wrong name", "500 at once"],
)
@pytest.mark.checklist("TEST-6")
async def test_bad_tool_calls_end_in_an_answer_from_the_data(served: Served, call: Reply) -> None:
    served.model.breaks(call, "agent")
    await served.start(agent_max_model_calls=2)
    reply = await served.ask("How many moons has Mars?")
    assert "mars has 2 moons." in reply["answer"]
    assert "model_unavailable" in reply["degraded_because"]


async def test_a_model_that_calls_tools_for_ever_is_stopped_by_its_own_cap(served: Served) -> None:
    served.model.breaks(faults.EndlessToolCalls("look_up", {"name": "mars"}), "agent")
    await served.start(agent_max_model_calls=3)
    reply = await served.ask(QUESTION)
    assert len(served.asked("agent")) == 6  # two agents
    assert {"model_unavailable", "over_budget"} <= set(reply["degraded_because"])


async def test_all_agents_of_a_run_share_its_caps(served: Served) -> None:
    served.model.breaks(faults.EndlessToolCalls("look_up", {"name": "mars"}), "agent")
    await served.start(run_max_model_calls=4)
    reply = await served.ask(QUESTION)
    assert len(served.server.requests) == 4  # one of them the planner's, none left for the writer
    assert reply["answer"] == OWN_WORDS
    assert {"model_unavailable", "writer_unavailable", "over_budget"} <= set(reply["degraded_because"])


async def test_a_run_calls_no_model_once_its_tokens_are_used(served: Served) -> None:
    served.model.breaks(faults.EndlessToolCalls("look_up", {"name": "mars"}), "agent")
    await served.start(run_max_model_calls=500, agent_max_model_calls=50, agent_max_tool_calls=100, run_max_tokens=100)
    reply = await served.ask(QUESTION)
    used = reply["usage"]["input_tokens"] + reply["usage"]["output_tokens"]
    # 18 tokens a call; the two agents may both have asked before the last call told its tokens.
    assert 100 <= used <= 100 + 2 * 18
    assert "over_budget" in reply["degraded_because"]
