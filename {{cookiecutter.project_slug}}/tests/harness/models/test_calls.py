"""How often models and tools are called, what calls cost, and what comes over HTTP."""

import asyncio
import gzip
from collections.abc import Iterator, Sequence
from typing import Any

import httpx
import httpx2
import pytest
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.messages.ai import UsageMetadata

from harness.errors import BudgetExceeded, ConfigurationError, ModelUnavailable
from harness.limits.budget import Budget, RunLimits
from harness.models.call_recorder import Prices
from harness.models.factory import LLMFactory
from harness.models.providers import ModelHttp
from harness.runtime.agent_runner import AgentRunner
from harness.settings import Settings
from harness.sources.http import ResponseRejected
from harness.sources.resources import SourceConnections
from harness.telemetry.logging import Logs
from tests.conftest import Lines
from tests.harness.runtime.scripted import NO_LEAKS, Say, ScriptedFactory
from tests.support.agents import MoonsAgent
from tests.support.peers.openai_faults import BOMB_BYTES
from tests.support.peers.openai_replies import Body
from tests.support.peers.openai_server import OpenAIServer

# The bounds of an agent's loop hold exactly, and cost no step of their own.

QUESTION = "How many moons has Mars?"


class Looping:
    """A model that never stops calling its tool, `at_once` times in each answer."""

    def __init__(self, at_once: int = 1) -> None:
        self.at_once = at_once
        self.asked = 0
        self.refused = 0

    def __call__(self, messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        self.asked += 1
        results = [message for message in messages if isinstance(message, ToolMessage)]
        self.refused = sum(message.status == "error" for message in results)
        call = {"name": "look_up", "args": {"name": "mars"}, "type": "tool_call"}
        return AIMessage("", tool_calls=[{**call, "id": str(at)} for at in range(self.at_once)])


def model(settings: Settings, say: Say, **changes: int) -> AgentRunner:
    settings = settings.model_copy(update=changes)
    agent = MoonsAgent(SourceConnections(settings))
    return AgentRunner(agent, settings, ScriptedFactory(settings, agent=say), NO_LEAKS)


@pytest.mark.parametrize("limit", [1, 2, 5])
async def test_a_looping_model_is_called_exactly_as_often_as_allowed(settings: Settings, limit: int) -> None:
    looping = Looping()
    with pytest.raises(BudgetExceeded):
        await model(settings, looping, agent_max_model_calls=limit).answer(QUESTION, "en")
    assert looping.asked == limit


async def test_tool_calls_are_counted_one_by_one_also_when_they_come_at_once(settings: Settings) -> None:
    looping = Looping(at_once=3)
    bounded = model(settings, looping, agent_max_model_calls=3, agent_max_tool_calls=5)
    with pytest.raises(BudgetExceeded):
        await bounded.answer(QUESTION, "en")
    assert looping.asked == 3
    assert looping.refused == 1


@pytest.mark.parametrize(("at_once", "asked"), [(4, 2), (5, 2), (6, 1), (500, 1)])
async def test_more_tools_at_once_than_allowed_in_all_end_the_agent(
    settings: Settings, at_once: int, asked: int
) -> None:
    looping = Looping(at_once)
    bounded = model(settings, looping, agent_max_model_calls=2, agent_max_tool_calls=5)
    with pytest.raises(BudgetExceeded):
        await bounded.answer(QUESTION, "en")
    assert looping.asked == asked


async def test_agents_side_by_side_are_held_to_the_run(settings: Settings) -> None:
    loops = [Looping(), Looping(), Looping()]
    with Budget.scope(RunLimits("RUN", model_calls=7, tool_calls=100)):
        runs = [model(settings, it, agent_max_model_calls=5).answer(QUESTION, "en") for it in loops]
        failures = await asyncio.gather(*runs, return_exceptions=True)
    assert all(isinstance(failure, BudgetExceeded) for failure in failures)
    assert sum(it.asked for it in loops) == 7


async def test_tools_are_bound_once_and_not_for_every_run(settings: Settings) -> None:
    agent = MoonsAgent(SourceConnections(settings))
    bound = AgentRunner(agent, settings, LLMFactory(settings), NO_LEAKS)
    answers = [await bound.answer(QUESTION, "en") for _ in range(2)]
    assert [answer.text for answer in answers] == ["mars has 2 moons."] * 2


class Inventive:
    """A model that calls what is no tool of its, once, and then talks."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def __call__(self, messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        self.told = [message.text for message in messages if isinstance(message, ToolMessage)]
        if self.told:
            return AIMessage("Done.")
        call = {"name": "open_door", "args": {"self": "x"}, "id": "1", "type": "tool_call"}
        return AIMessage("", tool_calls=[call])


async def test_a_name_that_is_no_tool_is_refused_as_one_that_may_not_run(settings: Settings) -> None:
    inventive = Inventive()
    with pytest.raises(ModelUnavailable, match="no tool that there is"):
        await model(settings, inventive).answer(QUESTION, "en")
    assert inventive.told == ["The service may not reach this resource."]


# Tokens become money where the price is known, and nothing is made up where it is not.

TOKENS = UsageMetadata(input_tokens=2_000_000, output_tokens=500_000, total_tokens=2_500_000)


@pytest.fixture
def _logs() -> Iterator[None]:
    with Logs(Settings()):
        yield


@pytest.mark.usefixtures("_logs")
def test_a_call_costs_its_tokens_by_the_price_of_a_million(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_PRICES", '{"openai:m": [0.25, 2]}')

    assert Prices(Settings().llm_prices).usd("openai:m", TOKENS) == pytest.approx(1.5)


def test_what_a_cache_is_written_with_costs_a_quarter_more() -> None:
    written = {**TOKENS, "input_token_details": {"cache_read": 1_000_000, "cache_creation": 1_000_000}}
    assert Prices({"openai:m": (0.25, 2)}).usd("openai:m", written) == pytest.approx(1.5 + 0.0625)  # type: ignore[arg-type]


@pytest.mark.usefixtures("_logs")
def test_the_embedded_model_costs_nothing() -> None:
    assert Prices({}).usd("embedded", TOKENS) == 0


@pytest.mark.usefixtures("_logs")
def test_a_model_without_a_price_costs_an_unknown_sum_and_is_named_once(lines: Lines) -> None:
    prices = Prices({})

    assert [prices.usd("openai:m", TOKENS) for _ in range(3)] == [None] * 3
    assert [line["model"] for line in lines.named("model_without_price")] == ["openai:m"]


@pytest.mark.usefixtures("_logs")
@pytest.mark.parametrize("table", ["{", "[]", '{"m": 1}', '{"m": [1]}', '{"m": [-1, 2]}', '{"m": ["a", 2]}'])
def test_a_table_that_is_none_is_refused_at_start(monkeypatch: pytest.MonkeyPatch, table: str) -> None:
    monkeypatch.setenv("LLM_PRICES", table)

    with pytest.raises(ConfigurationError, match="LLM_PRICES"):
        Settings()


# An answer of a model ends at a size, however well it is packed.

LIMIT = 2000


@pytest.fixture
def http() -> ModelHttp:
    return ModelHttp(Settings(llm_max_answer_bytes=LIMIT))


async def get(http: ModelHttp, body: bytes, encoding: str = "") -> bytes:
    headers = {"content_encoding": encoding} if encoding else {}
    with OpenAIServer([Body(body, headers=headers)]) as server:
        response = await http.client.get(server.address)
        await http.aclose()
        return response.content


@pytest.mark.parametrize("encoding", ["", "identity", "gzip", "GZIP"])
@pytest.mark.parametrize("size", [0, LIMIT - 1, LIMIT])
async def test_an_answer_up_to_the_limit_is_read_whole(http: ModelHttp, encoding: str, size: int) -> None:
    body = b"a" * size
    packed = gzip.compress(body) if encoding.lower() == "gzip" else body

    assert await get(http, packed, encoding) == body


@pytest.mark.parametrize("encoding", ["", "gzip"])
async def test_an_answer_above_the_limit_is_refused_with_the_setting(http: ModelHttp, encoding: str) -> None:
    body = b"a" * (LIMIT + 1)
    with pytest.raises(ResponseRejected, match=f"LLM_MAX_ANSWER_BYTES={LIMIT}"):
        await get(http, gzip.compress(body) if encoding else body, encoding)


async def test_a_bomb_is_not_unfolded(http: ModelHttp) -> None:
    unfolded: list[int] = []

    class Counting:
        def __init__(self, own: Any) -> None:
            self._own = own

        def decompress(self, *args: Any) -> bytes:
            piece: bytes = self._own.decompress(*args)
            unfolded.append(len(piece))
            return piece

    with pytest.MonkeyPatch.context() as patch:
        import zlib

        own = zlib.decompressobj
        patch.setattr("harness.sources.http.zlib.decompressobj", lambda *a: Counting(own(*a)))
        with pytest.raises(ResponseRejected):
            await get(http, gzip.compress(b"a" * BOMB_BYTES, 1), "gzip")

    assert sum(unfolded) == LIMIT + 1


@pytest.mark.parametrize(("body", "encoding"), [(b"no gzip", "gzip"), (b"any", "br")])
async def test_what_cannot_be_unpacked_is_refused(http: ModelHttp, body: bytes, encoding: str) -> None:
    with pytest.raises(ResponseRejected):
        await get(http, body, encoding)


async def test_a_client_of_httpx_1_is_bounded_too(http: ModelHttp) -> None:
    hooks = {"response": [http.hook(httpx.AsyncByteStream)]}
    with OpenAIServer([Body(b"a" * LIMIT), Body(b"a" * (LIMIT + 1))]) as server:
        async with httpx.AsyncClient(event_hooks=hooks) as client:
            assert len((await client.get(server.address)).content) == LIMIT
            with pytest.raises(ResponseRejected):
                await client.get(server.address)


async def test_connecting_has_a_time_of_its_own() -> None:
    settings = Settings(llm_connect_timeout_seconds=1.5, llm_timeout_seconds=9)
    http = ModelHttp(settings)

    assert http.client.timeout == httpx2.Timeout(9, connect=1.5)
    await http.aclose()
    assert http.client.is_closed


async def test_closing_what_was_never_used_opens_nothing(http: ModelHttp) -> None:
    await http.aclose()

    assert "client" not in vars(http)
