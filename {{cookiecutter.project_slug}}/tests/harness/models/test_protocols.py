"""The other providers' own protocols, against scripted servers: whole, streamed, cut off, failing."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from pydantic import AnyHttpUrl, SecretStr

from harness.errors import ModelUnavailable
from harness.models.call_recorder import Usage
from harness.models.factory import LLMFactory
from harness.settings import Settings
from tests.harness.models.chains import HASTY, PATIENT, Unused, said_before_failing, streamed
from tests.support.peers.anthropic_replies import USAGE as ANTHROPIC_USAGE
from tests.support.peers.anthropic_replies import Message, Overloaded
from tests.support.peers.bedrock_replies import USAGE as BEDROCK_USAGE
from tests.support.peers.bedrock_replies import Converse, Throttled
from tests.support.peers.openai_faults import TEN_MEGABYTES, Html
from tests.support.peers.openai_replies import Hang, Reply
from tests.support.peers.openai_server import OpenAIServer

PROVIDERS: Mapping[str, Mapping[str, Any]] = {
    "anthropic": {
        "package": "langchain_anthropic",
        "model": "anthropic:claude-sonnet-5",
        "says": Message("three little words"),
        "cuts": Message("three little words", is_cut=True),
        "fails": (Overloaded(), "upstream_error"),
        "usage": Usage(1, ANTHROPIC_USAGE["input_tokens"], ANTHROPIC_USAGE["output_tokens"], None),
    },
    "bedrock": {
        "package": "langchain_aws",
        "model": "bedrock_converse:amazon.nova-lite-v1:0",
        "says": Converse("three little words"),
        "cuts": Converse("three little words", is_cut=True),
        "fails": (Throttled(), "busy"),
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


async def test_a_stream_without_its_end_is_not_taken_for_an_answer(
    provider: Any, model_that: Open
) -> None:
    async with model_that(provider["cuts"]) as model:
        said, failure = await said_before_failing(model)

    assert said == "three little words"
    assert failure.reason in {"upstream_invalid", "connection"}


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
    if provider["package"] == "langchain_aws":
        pytest.skip("AWS's own client reads answers whole; only its address is trusted")
    async with model_that(Message("a" * TEN_MEGABYTES)) as model:
        with pytest.raises(ModelUnavailable, match="upstream_invalid"):
            await model.ainvoke("hi")
