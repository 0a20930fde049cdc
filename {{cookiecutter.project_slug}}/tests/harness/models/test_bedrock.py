"""Models on Amazon Bedrock, by AWS's own client against a scripted endpoint. Tests of `bedrock` and `threaded_calls`."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import orjson
import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, HumanMessage, SystemMessage
from pydantic import AnyHttpUrl
from structlog.testing import capture_logs

from harness.errors import ConfigurationError, ModelUnavailable
from harness.models.answer_form import AnswerForm
from harness.models.factory import LLMFactory
from harness.settings import Settings
from tests.harness.models.chains import PATIENT, Unused, said_before_failing, streamed
from tests.support.peers.bedrock_replies import Converse, ConverseModel, Frame, Refused, ToolUse
from tests.support.peers.openai_faults import Drip
from tests.support.peers.openai_replies import Body, Hang, Reply, Request
from tests.support.peers.openai_server import OpenAIServer, Script
from tests.support.processes import processes
from tests.support.scripted_model import QUESTION, WRITTEN, ScriptedModel

pytest.importorskip("langchain_aws")

APPLICATION = "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/a1b2c3"
SYSTEM = "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-sonnet-5"
BASE = {APPLICATION: "anthropic.claude-sonnet-5"}

CREDENTIALS = {
    "AWS_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "planted",
    "AWS_SECRET_ACCESS_KEY": "planted",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.fixture(autouse=True)
def _aws(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


def settings_for(server: OpenAIServer, model: str, **more: Any) -> Settings:
    values: dict[str, Any] = {"llm_max_retries": 0, **PATIENT, **more}
    return Settings(llm_model=f"bedrock_converse:{model}", llm_base_url=AnyHttpUrl(server.address), **values)


@asynccontextmanager
async def asked(
    script: Script | Sequence[Reply] | Reply, model: str = "eu.anthropic.claude-sonnet-5", **more: Any
) -> AsyncIterator[tuple[BaseChatModel, OpenAIServer]]:
    """The writer's model, and the endpoint that it asks."""
    given = (lambda _: script) if isinstance(script, Reply) else script
    with OpenAIServer(given) as server:
        factory = LLMFactory(settings_for(server, model, **more))
        yield factory.for_role("writer", Unused()), server
        await factory.aclose()


@pytest.mark.parametrize(
    ("model", "base_models"),
    [
        ("eu.anthropic.claude-sonnet-5", {}),
        (SYSTEM, {}),
        (SYSTEM.replace("inference-profile/eu.", "foundation-model/"), {}),
        (APPLICATION, BASE),
        (SYSTEM.replace("eu-west-1", "us-east-1"), {}),
    ],
)
async def test_a_profile_is_asked_by_its_id_or_arn_and_the_control_plane_never(
    model: str, base_models: Mapping[str, str]
) -> None:
    async with asked(Converse("three little words"), model, llm_bedrock_base_models=base_models) as (writer, server):
        assert (await writer.ainvoke("hi")).text == "three little words"
        assert await streamed(writer) == "three little words"
        assert [unquote(it.path) for it in server.requests] == [
            f"/model/{model}/converse",
            f"/model/{model}/converse-stream",
        ]
        region = model.split(":")[3] if model.startswith("arn") else "eu-west-1"
        assert all(f"/{region}/bedrock/" in it.headers["authorization"] for it in server.requests)


def test_an_arn_that_names_no_model_is_refused_with_the_setting_that_does(recwarn: pytest.WarningsRecorder) -> None:
    with OpenAIServer([]) as server, pytest.raises(ConfigurationError) as refusal:
        LLMFactory(settings_for(server, APPLICATION))
    (problem,) = refusal.value.problems
    assert problem.endswith(f"LLM_BEDROCK_BASE_MODELS which model it stands for, as in {orjson.dumps(BASE).decode()}")
    assert server.requests == []


@pytest.mark.parametrize(
    ("model", "streaming", "said"),
    [
        ("eu.anthropic.claude-sonnet-5", "auto", None),
        ("nobody.knows", "auto", ("all", "LLM_BEDROCK_STREAMING=on, if the model can")),
        ("nobody.knows", "on", None),
        ("meta.llama4", "auto", ("those with tools", "LLM_BEDROCK_STREAMING=on, if the model can")),
        (APPLICATION, "auto", None),
        (APPLICATION, "off", ("all", "none: as it is set")),
    ],
)
async def test_answers_are_streamed_or_the_start_says_that_they_are_not(
    model: str, streaming: str, said: tuple[str, str] | None
) -> None:
    options: dict[str, Any] = {"llm_bedrock_streaming": streaming, "llm_bedrock_base_models": BASE}
    with capture_logs() as lines:
        async with asked(Converse("three little words"), model, **options) as (writer, server):
            warned = [(it["which"], it["remedy"]) for it in lines if it["event"] == "answers_come_whole"]
            assert warned == ([said] if said else [])
            assert await streamed(writer) == "three little words"
    is_whole = said is not None and said[0] == "all"
    assert server.requests[0].path.endswith("/converse" if is_whole else "/converse-stream")


async def test_an_answer_that_comes_whole_has_the_time_of_a_whole_one() -> None:
    class Late(Converse):
        async def send(self, request: Request, wire: Any) -> None:
            await asyncio.sleep(0.6)
            await super().send(request, wire)

    more: dict[str, Any] = {"llm_first_token_seconds": 0.2, "llm_bedrock_streaming": "off"}
    async with asked(Late("three little words"), **more) as (writer, _):
        assert await streamed(writer) == "three little words"


@pytest.mark.parametrize("guardrail", ["abc123", "arn:aws:bedrock:eu-west-1:123456789012:guardrail/abc123"])
async def test_a_guardrail_is_applied_in_every_call_and_what_it_stops_is_no_answer(guardrail: str) -> None:
    reply = Converse("Sorry.", ending="guardrail_intervened")
    async with asked(reply, llm_bedrock_guardrail=f"{guardrail}:7") as (writer, server):
        for call in (writer.ainvoke("hi"), streamed(writer)):
            with pytest.raises(ModelUnavailable, match="withheld"):
                await call
        sent = {"guardrailIdentifier": guardrail, "guardrailVersion": "7", "trace": "disabled"}
        assert [it.body["guardrailConfig"] for it in server.requests] == [sent, sent]


def test_a_guardrail_without_a_model_to_guard_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="LLM_BEDROCK_GUARDRAIL: no model is bedrock_converse"):
        Settings(llm_model="openai:m", llm_bedrock_guardrail="abc123:7")
    assert Settings(llm_planner_model="bedrock_converse:m", llm_bedrock_guardrail="abc123:7").llm_bedrock_guardrail


PROMPT = [SystemMessage("Answer briefly."), HumanMessage("hi")]
CACHED = [{"text": "Answer briefly."}, {"cachePoint": {"type": "default"}}]


@pytest.mark.parametrize(
    ("model", "more", "system"),
    [
        ("eu.anthropic.claude-sonnet-5", {}, CACHED),
        ("us.amazon.nova-pro-v1:0", {}, CACHED),
        (APPLICATION, {"llm_bedrock_base_models": BASE}, CACHED),
        ("meta.llama4", {}, CACHED[:1]),
        ("eu.anthropic.claude-sonnet-5", {"llm_bedrock_prompt_cache": False}, CACHED[:1]),
    ],
)
async def test_the_system_prompt_is_cached_where_the_model_can(
    model: str, more: Mapping[str, Any], system: Sequence[Any]
) -> None:
    async with asked(Converse("three little words"), model, **more) as (writer, server):
        await writer.ainvoke(PROMPT)
        async for _ in writer.astream(PROMPT):
            pass
        assert [it.body["system"] for it in server.requests] == [system, system]
        assert [it.body["messages"] for it in server.requests] == [[{"role": "user", "content": [{"text": "hi"}]}]] * 2


async def test_a_model_that_caches_nothing_is_asked_without_from_then_on() -> None:
    told = "You invoked an unsupported model or your request did not allow prompt caching."

    def script(request: Request) -> Reply:
        is_marked = CACHED[1] in request.body["system"]
        return Refused(403, "AccessDeniedException", told) if is_marked else Converse("three little words")

    with capture_logs() as lines:
        async with asked(script) as (writer, server):
            for _ in range(2):
                assert (await writer.ainvoke(PROMPT)).text == "three little words"
    assert [it.body["system"] for it in server.requests] == [CACHED, CACHED[:1], CACHED[:1]]
    assert [it["lacks"] for it in lines if it["event"] == "endpoint_lacks"] == [["cache_point"]]


@pytest.mark.parametrize(
    ("reply", "reason", "advice"),
    [
        (Refused(403, "AccessDeniedException", "User is not authorized"), "refused", "allow bedrock:InvokeModel and"),
        (Refused(403, "ExpiredTokenException"), "refused", "AWS does not know the credentials"),
        (Refused(404, "ResourceNotFoundException"), "refused", "see that the model or profile"),
        (
            Refused(400, "ValidationException", "m with on-demand throughput isn't supported. Retry"),
            "refused",
            "name an inference profile",
        ),
        (Refused(400, "ValidationException", "malformed input"), "refused", None),
        (Refused(429, "ThrottlingException"), "busy", "raise the quota"),
        (Refused(408, "ModelTimeoutException"), "timeout", None),
        (Refused(424, "ModelErrorException"), "upstream_error", None),
        (Refused(503, "ServiceUnavailableException"), "upstream_error", None),
        (Body(b'{"output": {"message"'), "upstream_invalid", None),
        (Body(b"no frames and no JSON, and long enough"), "upstream_invalid", None),
    ],
)
@pytest.mark.parametrize("how", ["whole", "stream"])
async def test_an_error_of_aws_has_its_reason_and_advice(
    reply: Reply, reason: str, advice: str | None, how: str
) -> None:
    with capture_logs() as lines:
        async with asked(reply) as (writer, _):
            with pytest.raises(ModelUnavailable, match=reason):
                await (writer.ainvoke("hi") if how == "whole" else streamed(writer))
    (line,) = [it for it in lines if it["event"] == "model_gave_nothing"]
    assert str(line.get("remedy")).startswith(str(advice))
    assert "scripted" not in str(lines)


@pytest.mark.parametrize(
    ("tail", "reason"),
    [
        (b"", "connection"),
        (Frame.exception("throttlingException"), "busy"),
        (Frame.exception("modelStreamErrorException"), "upstream_error"),
        (Frame.exception("internalServerException"), "upstream_error"),
        (Frame.exception("serviceUnavailableException"), "upstream_error"),
        (Frame.exception("validationException"), "refused"),
        (Frame.malformed(), "upstream_invalid"),
        (Frame.event("messageStop", {"stopReason": "end_turn"})[:-5], "connection"),
    ],
)
async def test_a_stream_that_breaks_has_its_reason(tail: bytes, reason: str) -> None:
    async with asked(Converse("three little words", tail=tail)) as (writer, _):
        said, failure = await said_before_failing(writer)
    assert (said, failure.reason) == ("three little words", reason)


class Silent(Converse):
    """A stream that says something, and then nothing more."""

    async def send(self, request: Request, wire: Any) -> None:
        await super().send(request, wire)
        await wire.gone()


CALLS = 20
"""More than the threads of Python's own pool on two cores."""


@pytest.mark.parametrize("reply", [Hang(), Drip(text="a" * 10_000), Silent("three", tail=b"")])
async def test_calls_that_are_given_up_leave_no_thread_behind_and_hold_up_nothing_else(reply: Reply) -> None:
    replies: list[Reply] = [Converse("three little words")]

    def script(_: Request) -> Reply:
        return replies[0]

    hasty: dict[str, Any] = {"llm_timeout_seconds": 20, "llm_first_token_seconds": 4, "llm_next_token_seconds": 4}
    async with asked(script, **hasty, llm_max_concurrency=CALLS, llm_breaker_failures=1000) as (writer, server):
        await streamed(writer)  # loads half of an SDK
        replies[0] = reply
        calls = [asyncio.create_task(streamed(writer)) for _ in range(CALLS)]
        while len(server.requests) < 1 + CALLS:
            await asyncio.sleep(0.01)
            assert not any(it.done() for it in calls)
        assert await asyncio.to_thread(str, 1) == "1"
        assert not any(it.done() for it in calls)  # all of them hang, and the loop's own threads do not
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(it) for it in results} == {ModelUnavailable}
        replies[0] = Converse("three little words")
        again = await asyncio.gather(*(streamed(writer) for _ in range(CALLS)))  # every thread is free
        assert again == ["three little words"] * CALLS


ROLES = {
    "LLM_MODEL": f"bedrock_converse:{APPLICATION}",
    "LLM_PLANNER_MODEL": "bedrock_converse:global.anthropic.claude-planner",
    "LLM_WRITER_MODEL": f"bedrock_converse:{SYSTEM}-writer",
    "LLM_BEDROCK_BASE_MODELS": orjson.dumps(BASE).decode(),
    "LLM_BEDROCK_GUARDRAIL": "abc123:7",
    "LLM_BEDROCK_STREAMING": "on",
    "DATABASE_URL": "memory://",
}


def test_a_service_on_bedrock_asks_two_actions_and_nothing_else(tmp_path: Path) -> None:
    with OpenAIServer(ConverseModel(ScriptedModel())) as server:
        settings = {**CREDENTIALS, **ROLES, "LLM_BASE_URL": server.address}
        with processes(1, settings, tmp_path) as (service,):
            assert server.requests == []  # no question, no call: not even at start
            reply = service.client.post("/v1/chat", json={"message": QUESTION}).json()
            events = service.client.post("/v1/chat/stream", json={"message": QUESTION}).text
    assert (reply["answer"], reply["degraded_because"]) == (WRITTEN, [])
    assert WRITTEN in events
    asked_for = {unquote(it.path).removeprefix("/model/").rpartition("/") for it in server.requests}
    assert {action for _, _, action in asked_for} <= {"converse", "converse-stream"}
    models = {ROLES[it].removeprefix("bedrock_converse:") for it in ROLES if it.endswith("_MODEL")}
    assert {model for model, _, _ in asked_for} == models
    assert all(it.body["guardrailConfig"]["guardrailVersion"] == "7" for it in server.requests)
    assert all(CACHED[1] in it.body["system"] for it in server.requests)


@pytest.mark.parametrize("streaming", ["on", "off"])
async def test_a_tool_is_called_with_its_arguments(streaming: str) -> None:
    def look_up(name: str) -> str:
        """The number of a name."""
        return name

    reply = ToolUse("look_up", {"name": "mars"})
    async with asked(reply, llm_bedrock_streaming=streaming) as (writer, server):
        bound = writer.bind_tools([look_up])
        pieces = [it async for it in bound.astream("hi") if isinstance(it, AIMessageChunk)]
        for answer in (await bound.ainvoke("hi"), AnswerForm().joined(pieces)):
            assert [(it["name"], it["args"]) for it in answer.tool_calls] == [("look_up", {"name": "mars"})]
        assert server.requests[0].body["toolConfig"]["tools"][0]["toolSpec"]["name"] == "look_up"
