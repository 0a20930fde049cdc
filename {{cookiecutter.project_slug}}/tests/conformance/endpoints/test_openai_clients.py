"""The official clients of chat completions, openai and ChatOpenAI, over a real socket: outcomes 19 to 21."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any

import openai
import pytest
from langchain_openai import ChatOpenAI  # noqa: TID251  # a caller of ours, no model
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from harness.application import Application
from harness.auth.api_key import NewKey
from harness.project import Project
from harness.runtime.agent import ToolResult
from harness.runtime.replies import Event
from harness.service import Service
from harness.settings import Settings
from tests.support.agents import MoonsAgent
from tests.support.approving import AGENTS, WAITS, cancelled
from tests.support.callers import ANA, COLLECTOR, Guarded
from tests.support.listening import PATIENCE_SECONDS, listening

SERVICE = Project.load().name
QUESTION, ANSWER = "How many moons has Mars?", "mars has 2 moons."

pytestmark = [pytest.mark.checklist("INT-1"), pytest.mark.usefixtures("no_order_has_run")]

Start = Callable[..., Any]


@pytest.fixture
async def start(guarded: Guarded) -> AsyncIterator[Start]:
    """Starts the service and gives a client of a caller."""
    async with AsyncExitStack() as stack:

        async def started(key: NewKey | str = ANA, **changes: Any) -> openai.AsyncOpenAI:
            app = Application(AGENTS).create_app(Settings(**guarded.settings.model_dump() | changes))
            url = await stack.enter_async_context(listening(app))
            text = key if isinstance(key, str) else key.text
            client = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=text, max_retries=0)
            return await stack.enter_async_context(client)

        yield started


def said(message: str, **more: Any) -> dict[str, Any]:
    return {"model": SERVICE, "messages": [{"role": "user", "content": message}], **more}


def chat_model(client: openai.AsyncOpenAI, **more: Any) -> ChatOpenAI:
    return ChatOpenAI(
        **{"model": SERVICE, "base_url": str(client.base_url), "api_key": ANA.text, "max_retries": 0, **more}
    )


def words(error: openai.APIError) -> str:
    assert isinstance(error.body, dict)
    return str(error.body["message"])


def tokens(told: ChatCompletion | ChatCompletionChunk) -> int:
    assert told.usage
    assert told.usage.total_tokens == told.usage.prompt_tokens + told.usage.completion_tokens
    return told.usage.total_tokens


async def chunks(client: openai.AsyncOpenAI, request: Mapping[str, Any]) -> list[ChatCompletionChunk]:
    return [it async for it in await client.chat.completions.create(stream=True, **request)]


async def test_openai_chats_streams_and_lists(start: Start) -> None:
    client = await start()
    whole = await client.chat.completions.create(**said(QUESTION), temperature=0.3, seed=1, user="u", max_tokens=5)
    assert whole.choices[0].message.content == ANSWER
    assert whole.choices[0].finish_reason == "stop"
    assert tokens(whole) > 0
    assert whole.model_extra["sources"][0]["title"] == "Table of moons"
    told = await chunks(client, said(QUESTION, stream_options={"include_usage": True}))
    first, *between, end, usage = told
    assert (first.choices[0].delta.role, first.choices[0].delta.content) == ("assistant", "")
    assert "".join(it.choices[0].delta.content or "" for it in between) == ANSWER
    assert (end.choices[0].finish_reason, end.usage) == ("stop", None)
    assert (usage.choices, tokens(usage)) == ([], tokens(whole))
    assert len({it.id for it in told}) == 1
    assert all(it.choices for it in await chunks(client, said(QUESTION)))
    models = [it.id async for it in client.models.list()]
    assert models == [SERVICE, *(f"{SERVICE}/{it.name}" for it in AGENTS)]
    only = await client.chat.completions.create(**said("Mars", model=f"{SERVICE}/moons"))
    assert only.choices[0].message.content == ANSWER
    assert [it["name"] for it in only.model_extra["agents"]] == ["moons"]


async def test_chatopenai_chats_and_streams(start: Start) -> None:
    client = await start()
    model = chat_model(client, default_headers={"X-Thread-Id": "t1"})
    answer = await model.ainvoke([("system", "Be nice."), ("user", QUESTION)])
    assert answer.content == ANSWER
    assert answer.usage_metadata
    pieces = [str(it.content) async for it in model.astream("And Saturn?")]
    assert "".join(pieces) == "saturn has 146 moons."  # the thread goes on
    with pytest.raises(openai.UnprocessableEntityError) as refused:
        await model.bind_tools([{"type": "function", "function": {"name": "f", "parameters": {}}}]).ainvoke("x")
    assert refused.value.param == "tools"
    with pytest.raises(openai.NotFoundError):
        await model.bind(model="gpt").ainvoke("x")


REFUSED: Mapping[str, tuple[dict[str, Any], type[openai.APIStatusError], str, str, str | None]] = {
    "model": (said("x", model="gpt-5"), openai.NotFoundError, "invalid_request_error", "model_not_found", None),
    "agent": (said("x", model=f"{SERVICE}/x"), openai.NotFoundError, "invalid_request_error", "model_not_found", None),
    "no agent": (
        said("x", model=f"{SERVICE}/"),
        openai.NotFoundError,
        "invalid_request_error",
        "model_not_found",
        None,
    ),
    **{
        name: (
            said("x", **{name: value}),
            openai.UnprocessableEntityError,
            "invalid_request_error",
            "input_refused",
            name,
        )
        for name, value in {
            "tools": [{"type": "function", "function": {"name": "f"}}],
            "functions": [{"name": "f"}],
            "n": 2,
            "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}},
            "modalities": ["text", "audio"],
        }.items()
    },
    "an image": (
        said([{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]),  # type: ignore[arg-type]
        openai.UnprocessableEntityError,
        "invalid_request_error",
        "input_refused",
        "messages.content",
    ),
    "no user": (
        {"model": SERVICE, "messages": [{"role": "assistant", "content": "x"}]},
        openai.UnprocessableEntityError,
        "invalid_request_error",
        "input_refused",
        "messages",
    ),
    "too large": (said("x" * 70_000), openai.APIStatusError, "invalid_request_error", "content_too_large", None),
}


@pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "stream"])
async def test_every_refusal_is_the_client_s_own_exception_with_its_words(
    start: Start, is_streamed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HISTORY_BODY_MAX_BYTES", "65000")
    client = await start()
    for name, (request, kind, error_type, code, param) in REFUSED.items():
        with pytest.raises(kind) as refused:
            await client.chat.completions.create(stream=is_streamed, **request)
        error = refused.value
        assert (error.type, error.code, error.param) == (error_type, code, param), name
        assert len(words(error)) > 10
        assert "gpt-5" not in str(error)


async def test_who_is_not_let_in_is_told_so(start: Start) -> None:
    stranger = await start("no-key")
    for ask in (stranger.models.list, lambda: stranger.chat.completions.create(**said(QUESTION))):
        with pytest.raises(openai.AuthenticationError) as refused:
            await ask()
        assert (refused.value.type, refused.value.code) == ("authentication_error", "invalid_api_key")
        assert refused.value.response.headers["www-authenticate"].startswith("Bearer")
    with pytest.raises(openai.PermissionDeniedError) as forbidden:
        await (await start(COLLECTOR)).chat.completions.create(**said(QUESTION))
    assert (forbidden.value.type, forbidden.value.code) == ("permission_error", "scope_missing")


async def test_a_rate_and_a_quota_are_told_with_the_time_to_wait(start: Start) -> None:
    client = await start(quota_thread_day_messages=1)
    request = said(QUESTION, metadata={"thread_id": "t1"})
    await client.chat.completions.create(**request)
    hurried = await start(rate_caller_per_minute=1)
    await hurried.models.list()
    for caller, ask in (
        (client, lambda: client.chat.completions.create(**request)),
        (client, lambda: client.chat.completions.create(stream=True, **request)),
        (hurried, hurried.models.list),
    ):
        with pytest.raises(openai.RateLimitError) as refused:
            await ask()
        assert (refused.value.type, refused.value.code) == ("rate_limit_error", "rate_limit_exceeded"), caller
        assert int(refused.value.response.headers["retry-after"]) >= 1


async def test_a_fault_of_ours_is_a_server_error(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    client = await start()
    monkeypatch.setattr(Service, "_place", None)
    for is_streamed in (False, True):
        with pytest.raises(openai.InternalServerError) as refused:
            await client.chat.completions.create(stream=is_streamed, **said(QUESTION))
        assert refused.value.response.headers["x-request-id"] in words(refused.value)
        assert "NoneType" not in str(refused.value)


async def _withdrawn(*_: Any, **__: Any) -> AsyncGenerator[Event]:
    yield Event(event="started", data={})
    yield Event(event="token", data={"text": "Mars has 3 moons. "})
    yield Event(event="withdrawn", data={"because": "ungrounded"})
    yield Event(event="token", data={"text": ANSWER})
    yield Event(event="final", data={"answer": ANSWER, "usage": {}})


async def _broken(*_: Any, **__: Any) -> AsyncGenerator[Event]:
    yield Event(event="token", data={"text": "Mars has 3 moons. "})
    raise RuntimeError("planted secret")


@pytest.mark.parametrize(
    ("stream", "code"),
    [(_withdrawn, "answer_withdrawn"), (_broken, "internal_server_error")],
    ids=["withdrawn", "broken"],
)
async def test_no_client_ends_up_with_half_an_answer(
    start: Start, monkeypatch: pytest.MonkeyPatch, stream: Any, code: str
) -> None:
    client = await start()
    monkeypatch.setattr(Service, "stream", stream)
    with pytest.raises(openai.APIError) as failed:
        await chunks(client, said(QUESTION))
    assert failed.value.code == code
    assert "secret" not in str(failed.value)
    model = chat_model(client)
    with pytest.raises(openai.APIError):
        _ = [it async for it in model.astream(QUESTION)]


async def test_a_client_that_leaves_a_stream_stops_the_tool(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    began, stopped = asyncio.Event(), asyncio.Event()

    async def look_up(*_: Any, name: str) -> ToolResult:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        raise AssertionError

    look_up.__doc__ = MoonsAgent.look_up.__doc__
    monkeypatch.setattr(MoonsAgent, "look_up", look_up)
    client = await start()
    stream = await client.chat.completions.create(stream=True, **said(QUESTION))
    async with asyncio.timeout(PATIENCE_SECONDS):
        await began.wait()
        await stream.close()
        await stopped.wait()


TITLE = """### Task:
Generate a concise, 3-5 word title with an emoji summarizing the chat history.
### Output:
JSON format: { "title": "your concise title here" }
### Chat History:
<chat_history>
USER: Cancel order 7
ASSISTANT: This waits for approval
</chat_history>"""
LIBRECHAT = """Provide a concise, 5-word-or-less title for the conversation, using title case conventions. Only return \
the title itself.

Conversation:
User: Cancel order 7
AI: This waits for approval"""


@pytest.mark.parametrize(("prompt", "phrase"), [(TITLE, "{}"), (LIBRECHAT, "Chat")], ids=["Open WebUI", "LibreChat"])
async def test_what_a_front_end_asks_beside_the_conversation_touches_no_thread(
    start: Start, prompt: str, phrase: str
) -> None:
    client = await start(quota_thread_day_messages=2)  # the message, and the decision
    named = {"extra_headers": {"X-OpenWebUI-Chat-Id": "owui-1"}}
    asked = await client.chat.completions.create(**said("Cancel order 7"), **named)
    assert asked.choices[0].message.content == WAITS
    for _ in range(3):
        title = await client.chat.completions.create(**said(prompt, model="a-title-model"), **named)
        assert (title.choices[0].message.content, tokens(title)) == (phrase, 0)
    told = await chunks(client, {**said(prompt), **named})
    assert "".join(it.choices[0].delta.content or "" for it in told) == phrase
    (call,) = asked.model_extra["approvals"]
    decided = await client.post(
        f"/threads/owui-1/approvals/{call['id']}", body={"decision": "approve"}, cast_to=dict[str, Any]
    )
    assert decided["answer"] == "Order 7 is cancelled."
    assert cancelled() == [7]
    thread = await client.get("/threads/owui-1", cast_to=dict[str, Any])
    assert [it["text"] for it in thread["messages"]] == ["Cancel order 7", "Order 7 is cancelled."]
