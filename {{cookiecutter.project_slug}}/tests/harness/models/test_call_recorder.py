"""Every model call is one log line without a secret, and counts for its own run only."""

import asyncio
import operator
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langgraph.graph import END, START, StateGraph
from langgraph.types import Send
from pydantic import AnyHttpUrl, SecretStr

from harness.errors import ClarificationNeeded, ModelUnavailable
from harness.models.call_recorder import Usage
from harness.models.factory import LLMFactory
from harness.prompts.prompt import Prompt
from harness.settings import Settings
from harness.telemetry.logging import Logs
from tests.conftest import Lines
from tests.support.peers.openai_replies import USAGE, Body, Failure, Hang, Reply, Text
from tests.support.peers.openai_server import OpenAIServer

KEY = "planted-" + "key-9012"

PROMPT = Prompt(name="greeting", version="3", text={"en": "Greet.", "es": "Saluda."})


class Words:
    """Says three words; asks back for `?`."""

    def respond(self, messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        if messages[-1].text == "?":
            raise ClarificationNeeded("Which one?")
        return AIMessage("one two three")


@pytest.fixture(autouse=True)
def _logs() -> Iterator[None]:
    with Logs(Settings()):
        yield


@pytest.fixture
def model() -> BaseChatModel:
    return LLMFactory(Settings()).for_role("agent", Words())


def scripted(server: OpenAIServer) -> BaseChatModel:
    settings = Settings(
        llm_model="openai:scripted", llm_base_url=AnyHttpUrl(server.url), llm_api_key=SecretStr(KEY), llm_max_retries=0
    )
    return LLMFactory(settings).for_role("writer", Words())


@pytest.mark.checklist("OBS-1", "CODE-5")
async def test_a_call_is_one_line_with_role_model_prompt_tokens_and_time(model: BaseChatModel, lines: Lines) -> None:
    await model.ainvoke("hello there", {"metadata": PROMPT.metadata})

    (event,) = lines.events
    assert event.pop("timestamp")
    assert event.pop("ms") >= 0
    assert event == {
        "event": "model_call",
        "level": "info",
        "logger": "harness.models.call_recorder",
        "role": "agent",
        "model": "embedded",
        "prompt": "greeting",
        "prompt_version": "3",
        "outcome": "ok",
        "input_tokens": 2,
        "output_tokens": 3,
        "usd": 0.0,
    }


async def test_a_call_without_a_prompt_of_ours_says_so(model: BaseChatModel, lines: Lines) -> None:
    await model.ainvoke("hello")

    assert [(line["prompt"], line["prompt_version"]) for line in lines.events] == [(None, None)]


@pytest.mark.checklist("CFG-2")
async def test_verbose_logging_tells_the_size_of_what_is_sent_and_not_its_text(lines: Lines) -> None:
    with Logs(Settings(enable_verbose_logging=True)):
        model = LLMFactory(Settings()).for_role("agent", Words())
        await model.ainvoke("planted words", {"metadata": PROMPT.metadata})

    (started,) = lines.named("model_call_started")
    assert (started["level"], started["prompt"], started["prompt_version"]) == ("debug", "greeting", "3")
    assert (started["messages"], started["chars"]) == (1, 13)
    assert "planted words" not in lines.text


@pytest.mark.checklist("SEC-2")
async def test_a_failed_call_logs_the_class_of_the_exception_and_nothing_it_quotes(lines: Lines) -> None:
    quoting = Failure(401, f"wrong key {KEY} for question planted-words")
    with OpenAIServer([quoting]) as server, pytest.raises(ModelUnavailable):
        await scripted(server).ainvoke("planted-words")

    (event,) = lines.named("model_call")
    assert (event["outcome"], event["level"]) == ("refused", "warning")
    assert event["error"].endswith("AuthenticationError")
    assert KEY not in lines.text
    assert "planted-words" not in lines.text


async def test_a_question_back_is_no_failure(model: BaseChatModel, lines: Lines) -> None:
    with pytest.raises(ClarificationNeeded):
        await model.ainvoke("?")

    (event,) = lines.events
    assert (event["outcome"], event["level"]) == ("asked", "info")


async def test_a_cancelled_call_is_told_apart_from_a_failed_one(lines: Lines) -> None:
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hang(_: object) -> Reply:
        loop.call_soon_threadsafe(asked.set)
        return Hang()

    with OpenAIServer(hang) as server:
        model = scripted(server)
        call = asyncio.create_task(model.ainvoke("hi"))
        await asked.wait()
        call.cancel()
        with suppress(asyncio.CancelledError):
            await call

    assert [line["outcome"] for line in lines.named("model_call")] == ["cancelled"]


async def test_a_stream_that_its_reader_leaves_is_cancelled(model: BaseChatModel, lines: Lines) -> None:
    stream: Any = model.astream("hi")
    async for chunk in stream:
        assert chunk.text == "one two three"
        break
    await stream.aclose()

    assert [line["outcome"] for line in lines.named("model_call")] == ["cancelled"]


async def test_a_run_s_sum_holds_streamed_whole_and_failed_calls(lines: Lines) -> None:
    with OpenAIServer([Text("whole"), Text("in pieces"), Failure(500)]) as server:
        model = scripted(server)
        with Usage.scope() as usage:
            await model.ainvoke("hi")
            assert [chunk async for chunk in model.astream("hi")]
            with pytest.raises(ModelUnavailable):
                await model.ainvoke("hi")

    assert usage == Usage(
        model_calls=3,
        input_tokens=2 * USAGE["prompt_tokens"],
        output_tokens=2 * USAGE["completion_tokens"],
        cost_usd=None,
    )
    assert [line["output_tokens"] for line in lines.named("model_call")[:2]] == [7, 7]


async def test_a_provider_that_counts_nothing_adds_a_call_and_no_tokens(lines: Lines) -> None:
    answer = b'{"choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}}]}'
    with OpenAIServer([Body(answer)]) as server, Usage.scope() as usage:
        await scripted(server).ainvoke("hi")

    assert usage == Usage(model_calls=1)
    assert lines.named("model_call")[0]["input_tokens"] is None


class Fan(TypedDict):
    """A run that works side by side."""

    questions: list[str]
    answers: Annotated[list[str], operator.add]


def side_by_side(model: BaseChatModel) -> Any:
    """A graph that starts one task a question, as the service does."""

    async def work(state: dict[str, str]) -> dict[str, list[str]]:
        await asyncio.sleep(0)
        return {"answers": [(await model.ainvoke(state["question"])).text]}

    def start(state: Fan) -> list[Send]:
        return [Send("work", {"question": question}) for question in state["questions"]]

    graph = StateGraph(Fan)
    graph.add_node("work", work)  # type: ignore[type-var]  # a Send brings its own state
    graph.add_conditional_edges(START, start, ["work"])
    graph.add_edge("work", END)
    return graph.compile()


async def test_tasks_side_by_side_add_to_their_own_run_and_to_no_other(model: BaseChatModel) -> None:
    graph = side_by_side(model)

    async def run(questions: list[str]) -> Usage:
        with Usage.scope() as usage:
            await graph.ainvoke({"questions": questions})
        return usage

    small, large = await asyncio.gather(run(["a b"]), run(["a", "b", "c d e"]))

    assert small == Usage(model_calls=1, input_tokens=2, output_tokens=3)
    assert large == Usage(model_calls=3, input_tokens=5, output_tokens=9)


async def test_a_call_outside_of_any_run_is_counted_for_none(model: BaseChatModel) -> None:
    with Usage.scope() as before:
        pass
    await model.ainvoke("hi")

    assert before == Usage()
