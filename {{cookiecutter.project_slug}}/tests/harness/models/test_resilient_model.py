"""One model: how often it is asked, what it may take, and what its failures teach."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

import pytest

from harness.errors import ModelUnavailable
from harness.limits.deadline import Deadline
from harness.models.call_recorder import Prices, Usage
from harness.models.factory import LinkState
from harness.models.resilient_model import ModelEndpoint, ResilientModel
from harness.settings import Settings
from harness.telemetry.metrics import REGISTRY
from tests.harness.models.chains import FIRST, SECOND, Unused, chain, factory_for, said_before_failing, streamed
from tests.support.peers.openai_faults import Busy, Comments, Slow, StalledStream, Switchable
from tests.support.peers.openai_replies import Failure, Hang, Reply, Request, Text
from tests.support.peers.openai_server import OpenAIServer


@pytest.mark.parametrize("fault", [Failure(503), Failure(500), Busy(0.01)])
@pytest.mark.parametrize("how", ["whole", "stream"])
async def test_a_failure_that_may_pass_is_asked_again(fault: Reply, how: str) -> None:
    with OpenAIServer([fault, Text("now it works")]) as server:
        async with chain(server, llm_max_retries=1, llm_timeout_seconds=5) as model:
            said = (await model.ainvoke("hi")).text if how == "whole" else await streamed(model)

    assert said == "now it works"


@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_a_refusal_is_not_asked_again(status: int) -> None:
    with OpenAIServer(lambda request: Failure(status)) as server:
        async with chain(server, llm_max_retries=3) as model:
            with pytest.raises(ModelUnavailable, match="refused"):
                await model.ainvoke("hi")

        assert len(server.requests) == 1


async def test_a_wait_longer_than_the_deadline_is_not_begun() -> None:
    with OpenAIServer([Busy(2)]) as server:
        async with chain(server, llm_max_retries=3, llm_timeout_seconds=30) as model:
            with Deadline.scope(1.5) as deadline, pytest.raises(ModelUnavailable, match="busy"):
                await model.ainvoke("hi")
            assert deadline.remaining_seconds > 0


async def test_a_model_that_fails_again_and_again_is_left_alone_by_every_role() -> None:
    first = Switchable(up=Text("first"), is_down=True)
    async with AsyncExitStack() as stack:
        one = stack.enter_context(OpenAIServer(first))
        two = stack.enter_context(OpenAIServer(lambda request: Text("second")))
        factory = await stack.enter_async_context(factory_for(one, two, llm_breaker_failures=2))
        writer, planner = (factory.for_role(it, Unused()) for it in ("writer", "planner"))

        assert {(await writer.ainvoke("hi")).text for _ in range(3)} == {"second"}
        assert (await planner.ainvoke("hi")).text == "second"

        assert len(one.requests) == 2
        assert [list(it.links) for it in factory.models()] == [
            [LinkState(FIRST, "open"), LinkState(SECOND, "closed")]
        ] * 3
        assert REGISTRY.get_sample_value("llm_breaker_state", {"model": FIRST}) == 2


async def test_a_model_that_works_again_is_asked_again() -> None:
    first = Switchable(up=Text("first"), is_down=True)
    with OpenAIServer(first) as server:
        async with chain(server, llm_breaker_failures=1, llm_breaker_seconds=0.01) as model:
            with pytest.raises(ModelUnavailable, match="upstream_error"):
                await model.ainvoke("hi")
            first.is_down = False
            await asyncio.sleep(0.01)  # the rest itself, by the real clock
            assert (await model.ainvoke("hi")).text == "first"


async def test_a_request_without_time_left_does_not_open_the_breaker_for_others() -> None:
    with OpenAIServer(lambda request: Hang()) as server:
        async with factory_for(server, llm_breaker_failures=1, llm_timeout_seconds=30) as factory:
            model = factory.for_role("writer", Unused())
            with Deadline.scope(0.1), pytest.raises(ModelUnavailable, match="timeout"):
                await model.ainvoke("hi")
            assert factory.models()[0].links[0].breaker == "closed"


async def test_a_stream_that_breaks_off_counts_against_its_model() -> None:
    from tests.support.peers.openai_faults import CutStream

    with OpenAIServer([CutStream()]) as server:
        async with factory_for(server, llm_breaker_failures=1) as factory:
            with pytest.raises(ModelUnavailable, match="upstream_invalid"):
                await streamed(factory.for_role("writer", Unused()))
            assert factory.models()[0].links[0].breaker == "open"


async def test_a_call_beyond_places_and_queue_goes_to_the_next_model_at_once() -> None:
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hang(request: Request) -> Reply:
        loop.call_soon_threadsafe(asked.set)
        return Hang()

    places = {"llm_max_concurrency": 1, "llm_max_queue": 0, "llm_timeout_seconds": 30}
    with OpenAIServer(hang) as one, OpenAIServer([Text("second")]) as two:
        async with chain(one, two, **places) as model:
            first = asyncio.create_task(model.ainvoke("hi"))
            await asked.wait()
            assert (await model.ainvoke("hi")).text == "second"
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
        assert len(one.requests) == 1


async def test_when_every_model_is_full_the_call_is_overloaded() -> None:
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hang(request: Request) -> Reply:
        loop.call_soon_threadsafe(asked.set)
        return Hang()

    with OpenAIServer(hang) as server:
        async with chain(server, llm_max_concurrency=1, llm_max_queue=0, llm_timeout_seconds=30) as model:
            first = asyncio.create_task(model.ainvoke("hi"))
            await asked.wait()
            with pytest.raises(ModelUnavailable, match="overloaded"):
                await model.ainvoke("hi")
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first


@pytest.mark.parametrize("how", ["whole", "stream"])
async def test_a_call_s_money_is_in_the_run_s_sum_and_in_the_metrics(how: str) -> None:
    labels = {"role": "writer", "model": FIRST}
    before = REGISTRY.get_sample_value("llm_cost_usd_total", labels) or 0
    with OpenAIServer([Text("hello")]) as server:
        async with chain(server, llm_prices={"openai:first": (1, 2)}) as model:
            with Usage.scope() as usage:
                if how == "whole":
                    await model.ainvoke("hi")
                else:
                    await streamed(model)

    assert usage.cost_usd == pytest.approx((11 * 1 + 7 * 2) / 1_000_000)
    after = REGISTRY.get_sample_value("llm_cost_usd_total", labels) or 0
    assert after - before == pytest.approx(usage.cost_usd)


class Bindable:
    """A model whose class names what may be required, as Bedrock's does."""

    def __init__(self, *choices: str) -> None:
        self.supports_tool_choice_values = choices
        self.options: dict[str, str] = {}

    def bind_tools(self, tools: Sequence[object], **options: str) -> "Bindable":
        self.options = options
        return self


@pytest.mark.parametrize(("choices", "options"), [(("auto", "any"), {"tool_choice": "any"}), (("auto",), {}), ((), {})])
def test_a_call_is_required_only_of_a_model_that_knows_how(choices: Sequence[str], options: dict[str, str]) -> None:
    model = Bindable(*choices)
    endpoint = ModelEndpoint("m", "m", Settings(), Prices({}))
    ResilientModel(endpoint, model).bind_tools([], tool_choice="any")
    assert model.options == options


UNBOUND: dict[str, Any] = {"llm_timeout_seconds": 60, "llm_first_token_seconds": 60, "llm_next_token_seconds": 60}
"""Limits that a test would notice: longer than it waits."""

SOON_SECONDS = 20
"""How long a limit of 0.2 s may take on the busiest machine."""


async def test_a_stream_without_a_first_word_is_given_up_at_its_own_limit() -> None:
    with OpenAIServer([Text("warm"), Comments()]) as server:
        async with chain(server, **UNBOUND | {"llm_first_token_seconds": 0.2}) as model:
            await model.ainvoke("hi")
            async with asyncio.timeout(SOON_SECONDS):
                with pytest.raises(ModelUnavailable, match="timeout"):
                    await streamed(model)


async def test_a_stream_that_stalls_is_given_up_at_the_limit_to_its_next_word() -> None:
    with OpenAIServer([Text("warm"), StalledStream()]) as server:
        async with chain(server, **UNBOUND | {"llm_next_token_seconds": 0.2}) as model:
            await model.ainvoke("hi")
            async with asyncio.timeout(SOON_SECONDS):
                said, failure = await said_before_failing(model)

    assert (said, failure.reason) == ("half an ", "timeout")


async def test_the_limit_to_the_next_word_begins_anew_with_each_word() -> None:
    limits: dict[str, Any] = UNBOUND | {"llm_first_token_seconds": 0.5, "llm_next_token_seconds": 60}
    with OpenAIServer([Text("warm"), Slow("one two three", pause_seconds=0.3)]) as server:
        async with chain(server, **limits) as model:
            await model.ainvoke("hi")
            assert await streamed(model) == "one two three"


async def test_an_endpoint_that_opens_no_thoughts_is_streamed_when_they_have_ended() -> None:
    with OpenAIServer(lambda request: Text("Is it 1? </think> It is 2.")) as server:
        async with chain(server) as model:
            assert await streamed(model) == "Is it 1? </think>It is 2."  # who joins it leaves thoughts out
            assert await streamed(model) == "It is 2."


async def test_a_whole_answer_tells_as_well_that_an_endpoint_opens_no_thoughts() -> None:
    with OpenAIServer(lambda request: Text("Is it 1? </think> It is 2.")) as server:
        async with chain(server) as model:
            assert (await model.ainvoke("hi")).text == "It is 2."
            assert await streamed(model) == "It is 2."
