"""Whatever the first model does, the second answers; and never after words of the first are out."""

import asyncio
from collections.abc import Iterator

import pytest
from langchain_core.tools import tool

from harness.errors import BudgetExceeded, ModelUnavailable
from harness.limits.budget import Budget, RunLimits
from harness.limits.deadline import Deadline
from harness.telemetry.metrics import REGISTRY
from tests.harness.models.chains import (
    FALLBACK_KEY,
    FIRST,
    HASTY,
    KEY,
    SECOND,
    Unused,
    chain,
    factory_for,
    said_before_failing,
    streamed,
    warm_up,
)
from tests.support.peers.openai_faults import (
    BrokenFrame,
    Busy,
    Comments,
    CutStream,
    Drip,
    GzipBomb,
    Html,
    Huge,
    NullContent,
    Reset,
    ResetStream,
    StalledStream,
    TruncatedJson,
    WrongSchema,
)
from tests.support.peers.openai_replies import Failure, Hang, NoChoices, Reply, Text, ToolCalls
from tests.support.peers.openai_server import OpenAIServer

pytestmark = pytest.mark.checklist("TEST-3")

FAULTS: list[tuple[Reply, str]] = [
    (Hang(), "timeout"),
    (Drip(), "timeout"),
    (Comments(), "timeout"),
    (Reset(), "connection"),
    (Busy(3600), "busy"),
    (Failure(503), "upstream_error"),
    (Failure(400), "refused"),
    (Failure(401), "refused"),
    (Html(), "upstream_invalid"),
    (TruncatedJson(), "upstream_invalid"),
    (WrongSchema(), "upstream_invalid"),
    (NoChoices(), "upstream_invalid"),
    (NullContent(), "said_nothing"),
    (Huge(), "upstream_invalid"),
    (GzipBomb(), "upstream_invalid"),
    (BrokenFrame(), "upstream_invalid"),
]

IDS = [f"{type(fault).__name__}-{reason}" for fault, reason in FAULTS]


@pytest.fixture(scope="module", autouse=True)
def second() -> Iterator[OpenAIServer]:
    with OpenAIServer(lambda request: Text("from the second")) as server:
        asyncio.run(warm_up(server))
        yield server


def haste(fault: Reply) -> dict[str, float]:
    return HASTY if isinstance(fault, (Hang, Drip, Comments, StalledStream)) else {}


def fallbacks(reason: str) -> float:
    labels = {"role": "writer", "model": FIRST, "reason": reason}
    return REGISTRY.get_sample_value("llm_fallbacks_total", labels) or 0


@pytest.mark.parametrize(("fault", "reason"), FAULTS, ids=IDS)
async def test_the_next_model_answers_in_place_of_a_whole_answer_gone_wrong(
    fault: Reply, reason: str, second: OpenAIServer
) -> None:
    before = fallbacks(reason)
    with OpenAIServer(lambda request: fault) as first:
        async with chain(first, second, **haste(fault)) as model:
            assert (await model.ainvoke("hi")).text == "from the second"
        assert len(first.requests) == 1
    assert fallbacks(reason) == before + 1


@pytest.mark.parametrize(("fault", "reason"), FAULTS, ids=IDS)
async def test_the_next_model_answers_in_place_of_a_stream_without_a_first_word(
    fault: Reply, reason: str, second: OpenAIServer
) -> None:
    before = fallbacks(reason)
    with OpenAIServer(lambda request: fault) as first:
        async with chain(first, second, **haste(fault)) as model:
            assert await streamed(model) == "from the second"
    if not isinstance(fault, (Drip, Huge, NoChoices, NullContent, WrongSchema, TruncatedJson)):
        assert fallbacks(reason) == before + 1  # those are no streams, and read as empty ones


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (CutStream(), "upstream_invalid"),
        (ResetStream(), "connection"),
        (StalledStream(), "timeout"),
        (BrokenFrame(("half an ",)), "upstream_invalid"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Reply) else "",
)
async def test_after_the_first_word_a_lost_rest_ends_the_stream_and_no_other_model_is_asked(
    fault: Reply, reason: str, second: OpenAIServer
) -> None:
    asked = len(second.requests)
    with OpenAIServer([fault]) as first:
        async with chain(first, second, **haste(fault)) as model:
            said, failure = await said_before_failing(model)

    assert (said, failure.reason) == ("half an ", reason)
    assert len(second.requests) == asked


async def test_a_model_that_is_not_there_costs_no_more_than_the_attempt(second: OpenAIServer) -> None:
    with OpenAIServer([]) as gone:
        pass
    async with chain(gone, second) as model:
        assert (await model.ainvoke("hi")).text == "from the second"


async def test_when_every_model_fails_the_reason_is_that_of_the_last() -> None:
    with OpenAIServer([Html()]) as first, OpenAIServer([Failure(500)]) as second:
        async with chain(first, second) as model:
            with pytest.raises(ModelUnavailable) as failure:
                await model.ainvoke("hi")

    assert str(failure.value) == "writer: upstream_error"


async def test_the_deadline_is_shared_so_that_a_hanging_model_leaves_time_for_the_next(second: OpenAIServer) -> None:
    with OpenAIServer([Hang()]) as first:
        async with chain(first, second, llm_timeout_seconds=30) as model:
            with Deadline.scope(1.5) as deadline:
                assert (await model.ainvoke("hi")).text == "from the second"
                assert deadline.remaining_seconds > 0


async def test_a_hanging_model_is_found_out_before_its_caller_s_patience_ends() -> None:
    with OpenAIServer(lambda request: Hang()) as first:
        async with factory_for(first, llm_breaker_failures=1, llm_timeout_seconds=2.5) as factory:
            with Deadline.scope(2) as deadline, pytest.raises(ModelUnavailable, match="timeout"):
                async with deadline.timeout():
                    await factory.for_role("writer", Unused()).ainvoke("hi")
            assert factory.models()[0].links[0].breaker == "open"


async def test_no_model_is_asked_when_the_deadline_is_over(second: OpenAIServer) -> None:
    asked = len(second.requests)
    async with chain(second) as model:
        with Deadline.scope(0), pytest.raises(ModelUnavailable, match="timeout"):
            await model.ainvoke("hi")
        with Deadline.scope(0), pytest.raises(ModelUnavailable, match="timeout"):
            await streamed(model)

    assert len(second.requests) == asked


async def test_a_stream_ends_at_the_deadline_though_content_comes() -> None:
    with OpenAIServer([StalledStream(["one ", "two "])]) as first:
        async with chain(first, llm_next_token_seconds=30) as model:
            with Deadline.scope(0.5), pytest.raises(ModelUnavailable, match="timeout"):
                await streamed(model)


async def test_each_endpoint_is_sent_its_own_key_only(second: OpenAIServer) -> None:
    with OpenAIServer([Failure(503)]) as first:
        async with chain(first, second) as model:
            await model.ainvoke("hi")

    assert KEY in str(first.requests[-1].headers)
    assert FALLBACK_KEY in str(second.requests[-1].headers)
    assert FALLBACK_KEY not in str(first.requests[-1].headers)
    assert KEY not in str(second.requests[-1].headers)


@tool
def look_up(name: str) -> str:
    """Look something up."""
    return name


async def test_tools_are_bound_to_every_model_of_the_chain() -> None:
    calls = ToolCalls([("look_up", {"name": "mars"})])
    with OpenAIServer([Html()]) as first, OpenAIServer([calls]) as second:
        async with chain(first, second) as model:
            answer = await model.bind_tools([look_up], tool_choice="any").ainvoke("hi")

    assert first.requests[0].tools == second.requests[0].tools == ["look_up"]
    assert second.requests[0].body["tool_choice"] == "required"
    assert [call["name"] for call in answer.tool_calls] == ["look_up"]


async def test_tool_calls_are_content_of_a_stream(second: OpenAIServer) -> None:
    with OpenAIServer([ToolCalls([("look_up", {"name": "mars"})])]) as first:
        async with chain(first, second) as model:
            bound = model.bind_tools([look_up])
            pieces = [piece async for piece in bound.astream("hi")]

    assert [call["args"] for call in sum(pieces[1:], pieces[0]).tool_calls] == [{"name": "mars"}]


async def test_a_caller_who_leaves_a_stream_closes_the_call() -> None:
    class Watched(StalledStream):
        left = asyncio.Event()
        loop = asyncio.get_running_loop()

        async def go_wrong(self, wire: object) -> None:
            try:
                await super().go_wrong(wire)  # type: ignore[arg-type]
            finally:
                self.loop.call_soon_threadsafe(self.left.set)

    reply = Watched()
    with OpenAIServer([reply]) as first:
        async with chain(first, llm_next_token_seconds=30) as model:
            stream = model.astream("hi")
            assert (await anext(stream)) is not None
            await stream.aclose()  # type: ignore[attr-defined]
            async with asyncio.timeout(2):
                await reply.left.wait()


async def test_a_chain_is_asked_with_await_only(second: OpenAIServer) -> None:
    async with chain(second) as model:
        with pytest.raises(NotImplementedError, match="await"):
            model.invoke("hi")


async def test_a_chain_shows_its_models_and_no_key(second: OpenAIServer) -> None:
    async with chain(second, second) as model:
        assert f"FailoverModel(writer: {FIRST} > {SECOND})" == repr(model)
        assert KEY not in repr(model)


async def test_a_call_counts_once_however_many_models_are_asked_for_it(second: OpenAIServer) -> None:
    with OpenAIServer(lambda request: Failure(503)) as first:
        async with chain(first, second) as model:
            with Budget.scope(RunLimits("RUN", model_calls=2, tool_calls=0)) as used:
                await model.ainvoke("hi")
                assert [piece async for piece in model.bind_tools([]).astream("hi")]
                assert used.model_calls == 2
                before = len(second.requests)
                with pytest.raises(BudgetExceeded):
                    await model.ainvoke("hi")
                with pytest.raises(BudgetExceeded):
                    await anext(model.astream("hi"))
                assert len(second.requests) == before
