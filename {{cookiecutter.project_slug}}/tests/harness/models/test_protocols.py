"""Tests of `protocols` and `model_config`."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from pydantic import AnyHttpUrl, SecretStr

from harness.errors import ConfigurationError, ModelUnavailable
from harness.models.answer_form import CUT, AnswerForm
from harness.models.call_recorder import Usage
from harness.models.factory import LLMFactory
from harness.models.model_config import ModelConfig
from harness.settings import Settings
from tests.harness.models.chains import HASTY, PATIENT, Unused, said_before_failing, streamed
from tests.support.peers.anthropic_replies import USAGE as ANTHROPIC_USAGE
from tests.support.peers.anthropic_replies import Message, Overloaded
from tests.support.peers.bedrock_replies import USAGE as BEDROCK_USAGE
from tests.support.peers.bedrock_replies import Converse, Throttled
from tests.support.peers.openai_faults import TEN_MEGABYTES, Html
from tests.support.peers.openai_replies import Hang, Reply
from tests.support.peers.openai_server import OpenAIServer

# The other providers' own protocols, against scripted servers: whole, streamed, cut off, failing.

PROVIDERS: Mapping[str, Mapping[str, Any]] = {
    "anthropic": {
        "package": "langchain_anthropic",
        "model": "anthropic:claude-sonnet-5",
        "says": Message("three little words"),
        "cuts": Message("three little words", is_cut=True),
        "fails": (Overloaded(), "upstream_error"),
        "ends": Message,
        "usage": Usage(1, ANTHROPIC_USAGE["input_tokens"], ANTHROPIC_USAGE["output_tokens"], None),
    },
    "bedrock": {
        "package": "langchain_aws",
        "model": "bedrock_converse:amazon.nova-lite-v1:0",
        "says": Converse("three little words"),
        "cuts": Converse("three little words", tail=b""),
        "fails": (Throttled(), "busy"),
        "ends": Converse,
        "usage": Usage(1, BEDROCK_USAGE["inputTokens"], BEDROCK_USAGE["outputTokens"], None),
    },
}

Open = Callable[[Reply], AbstractAsyncContextManager[BaseChatModel]]


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    known = PROVIDERS[request.param]
    pytest.importorskip(known["package"])
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "planted")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "planted")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return known


@pytest.fixture
def model_that(provider: Any) -> Open:
    """The provider's model at a server that always gives one reply."""

    @asynccontextmanager
    async def open_model(reply: Reply) -> AsyncIterator[BaseChatModel]:
        with OpenAIServer(lambda request: reply) as server:
            factory = LLMFactory(
                Settings(
                    llm_model=provider["model"],
                    llm_base_url=AnyHttpUrl(server.address),
                    llm_api_key=SecretStr("any"),
                    llm_max_retries=0,
                    **(HASTY if isinstance(reply, Hang) else PATIENT),
                )
            )
            yield factory.for_role("writer", Unused())
            await factory.aclose()

    return open_model


@pytest.mark.parametrize("how", ["whole", "stream"])
async def test_an_answer_comes_with_its_usage(provider: Any, model_that: Open, how: str) -> None:
    async with model_that(provider["says"]) as model:
        with Usage.scope() as usage:
            said = (await model.ainvoke("hi")).text if how == "whole" else await streamed(model)

    assert said == "three little words"
    assert usage == provider["usage"]


async def test_a_stream_without_its_end_is_not_taken_for_an_answer(provider: Any, model_that: Open) -> None:
    async with model_that(provider["cuts"]) as model:
        said, failure = await said_before_failing(model)

    assert said == "three little words"
    assert failure.reason in {"upstream_invalid", "connection"}


@pytest.mark.parametrize("how", ["whole", "stream"])
@pytest.mark.parametrize("ending", ["max_tokens", "model_context_window_exceeded"])
async def test_a_cut_answer_is_marked_and_ends_with_its_last_sentence(
    provider: Any, model_that: Open, ending: str, how: str
) -> None:
    reply = provider["ends"]("<think>hm</think>Three words.\r\nFour litt", ending=ending)
    async with model_that(reply) as model:
        pieces = [piece async for piece in model.astream("hi")] if how == "stream" else []
        answer = AnswerForm().joined(pieces) if pieces else await model.ainvoke("hi")

    assert answer.text == "Three words."
    assert answer.response_metadata[CUT]


@pytest.mark.parametrize("how", ["whole", "stream"])
@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (("refusal", "I can"), "withheld"),
        (("guardrail_intervened", "Sorry."), "withheld"),
        (("content_filtered", ""), "withheld"),
        (("malformed_model_output", "Three words."), "upstream_error"),
        (("max_tokens", "Three wor"), "cut"),
        (("end_turn", "<think>hm"), "said_nothing"),
    ],
)
async def test_what_is_no_answer_has_its_reason(
    provider: Any, model_that: Open, said: tuple[str, str], reason: str, how: str
) -> None:
    ending, text = said
    async with model_that(provider["ends"](text, ending=ending)) as model:
        with pytest.raises(ModelUnavailable, match=reason):
            await (model.ainvoke("hi") if how == "whole" else streamed(model))


@pytest.mark.parametrize("how", ["whole", "stream"])
async def test_a_failure_has_its_reason(provider: Any, model_that: Open, how: str) -> None:
    fault, reason = provider["fails"]
    async with model_that(fault) as model:
        with pytest.raises(ModelUnavailable, match=reason):
            await (model.ainvoke("hi") if how == "whole" else streamed(model))


async def test_a_hang_ends_in_time(model_that: Open) -> None:
    async with model_that(Hang()) as model:
        with pytest.raises(ModelUnavailable, match="timeout"):
            await model.ainvoke("hi")


async def test_a_page_of_a_proxy_is_no_answer(model_that: Open) -> None:
    async with model_that(Html()) as model:
        with pytest.raises(ModelUnavailable, match="upstream_invalid"):
            await model.ainvoke("hi")


async def test_an_answer_beyond_all_measure_is_no_answer(provider: Any, model_that: Open) -> None:
    async with model_that(provider["ends"]("a" * TEN_MEGABYTES)) as model:
        with pytest.raises(ModelUnavailable, match="upstream_invalid"):
            await model.ainvoke("hi")


# The configuration names a row of models for each role, and no secret reaches a stranger.

KEY = SecretStr("planted-" + "key-one")
OTHER_KEY = SecretStr("planted-" + "key-two")
URL = AnyHttpUrl("http://127.0.0.1:9/v1")
OTHER_URL = AnyHttpUrl("http://127.0.0.1:10/v1")


def rows(settings: Settings) -> dict[str, list[str]]:
    return {role: [it.name for it in row] for role, row in ModelConfig(settings).rows.items()}


def endpoints(settings: Settings) -> dict[str, tuple[object, object]]:
    return {it.name: (it.endpoint.api_key, it.endpoint.base_url) for it in ModelConfig(settings).all()}


def test_a_role_takes_its_own_models_or_those_for_all() -> None:
    settings = Settings(
        llm_model="openai:a",
        llm_planner_model="openai:p",
        llm_fallback_models="openai:b , anthropic:c",
        llm_writer_fallback_models="openai:w",
    )
    assert rows(settings) == {
        "planner": ["openai:p", "openai:b", "anthropic:c"],
        "agent": ["openai:a", "openai:b", "anthropic:c"],
        "writer": ["openai:a", "openai:w"],
    }


def test_the_judge_has_a_row_where_it_is_asked() -> None:
    judged = Settings(
        llm_model="openai:a", llm_judge_model="openai:j", llm_judge_fallback_models="openai:k", injection_judge=True
    )
    assert rows(judged)["judge"] == ["openai:j", "openai:k"]


def test_a_role_of_the_embedded_model_has_no_row() -> None:
    settings = Settings(llm_model="openai:a", llm_writer_model="embedded", llm_fallback_models="openai:b")
    assert rows(settings).keys() == {"planner", "agent"}
    assert ModelConfig(settings).first["writer"].model == "embedded"


def test_the_same_model_at_the_same_endpoint_is_asked_once() -> None:
    settings = Settings(llm_model="openai:a", llm_fallback_models="openai:b,openai:a")
    assert rows(settings)["agent"] == ["openai:a", "openai:b"]


def test_the_same_model_at_another_endpoint_is_another_one() -> None:
    settings = Settings(
        llm_model="openai:a",
        llm_fallback_models="openai:a",
        llm_fallback_base_url=OTHER_URL,
        llm_fallback_api_key=OTHER_KEY,
    )
    assert rows(settings)["agent"] == ["openai:a", "openai:a@fallback"]


def test_a_fallback_of_the_same_provider_is_asked_at_the_same_endpoint() -> None:
    settings = Settings(llm_model="openai:a", llm_fallback_models="openai:b", llm_api_key=KEY, llm_base_url=URL)
    assert endpoints(settings) == {"openai:a": (KEY, URL), "openai:b": (KEY, URL)}
    assert not list(ModelConfig(settings).problems())


def test_a_fallback_of_another_provider_gets_neither_key_nor_address_of_the_first() -> None:
    settings = Settings(llm_model="openai:a", llm_fallback_models="anthropic:b", llm_api_key=KEY, llm_base_url=URL)
    assert endpoints(settings) == {"openai:a": (KEY, URL), "anthropic:b": (None, None)}
    assert not list(ModelConfig(settings).problems())


def test_an_endpoint_of_their_own_is_for_all_fallbacks_and_for_them_only() -> None:
    settings = Settings(
        llm_model="openai:a",
        llm_fallback_models="openai:b,openai:c",
        llm_api_key=KEY,
        llm_fallback_api_key=OTHER_KEY,
        llm_fallback_base_url=OTHER_URL,
    )
    assert endpoints(settings) == {
        "openai:a": (KEY, None),
        "openai:b@fallback": (OTHER_KEY, OTHER_URL),
        "openai:c@fallback": (OTHER_KEY, OTHER_URL),
    }
    assert not list(ModelConfig(settings).problems())


def test_an_address_for_fallbacks_without_their_key_is_refused() -> None:
    settings = Settings(
        llm_model="openai:a", llm_fallback_models="openai:b", llm_api_key=KEY, llm_fallback_base_url=OTHER_URL
    )
    (problem,) = ModelConfig(settings).problems()
    assert problem.startswith("LLM_FALLBACK_BASE_URL: set LLM_FALLBACK_API_KEY too")


def test_one_key_or_address_is_never_for_fallbacks_of_two_providers() -> None:
    settings = Settings(
        llm_model="openai:a",
        llm_fallback_models="openai:b,anthropic:c",
        llm_fallback_api_key=OTHER_KEY,
        llm_fallback_base_url=OTHER_URL,
    )
    key, address = ModelConfig(settings).problems()
    assert key.startswith("LLM_FALLBACK_API_KEY: one key for anthropic and openai")
    assert address.startswith("LLM_FALLBACK_BASE_URL: one address for anthropic and openai")
    assert OTHER_KEY.get_secret_value() not in key + address


@pytest.mark.parametrize("models", ["embedded", "gpt", "openai:a,", "openai:a b", "openai:a;b:c d"])
def test_a_list_that_is_none_is_refused_at_start(models: str) -> None:
    with pytest.raises(ConfigurationError, match="LLM_FALLBACK_MODELS"):
        Settings(llm_fallback_models=models)
