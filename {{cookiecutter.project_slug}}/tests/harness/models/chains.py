"""Factories over scripted endpoints: the first model at one server, its fallback at another."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from pydantic import AnyHttpUrl, SecretStr

from harness.errors import ModelUnavailable
from harness.models.factory import LLMFactory
from harness.settings import Settings
from tests.support.peers.openai_server import OpenAIServer

FIRST = "openai:first"
SECOND = "openai:second@fallback"
"""The names under which logs, metrics and readiness show them."""

KEY = "planted-" + "key-first"
FALLBACK_KEY = "planted-" + "key-second"

PATIENT = {"llm_timeout_seconds": 10, "llm_first_token_seconds": 10, "llm_next_token_seconds": 10}
"""How long a model that answers may take: more than the busiest machine needs."""

HASTY = dict.fromkeys(PATIENT, 0.4)
"""How long one that never answers is waited for."""


class Unused:
    """The script of a role whose model is a provider's."""

    def respond(self, messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        raise AssertionError("the embedded model was asked")


def settings_for(first: OpenAIServer, second: OpenAIServer | None = None, **more: Any) -> Settings:
    fallback: dict[str, Any] = {}
    if second:
        fallback = {
            "llm_fallback_models": "openai:second",
            "llm_fallback_base_url": AnyHttpUrl(second.url),
            "llm_fallback_api_key": SecretStr(FALLBACK_KEY),
        }
    values: dict[str, Any] = {
        "llm_model": FIRST,
        "llm_base_url": AnyHttpUrl(first.url),
        "llm_api_key": SecretStr(KEY),
        "llm_max_retries": 0,
        **PATIENT,
    }
    return Settings(**{**values, **fallback, **more})


@asynccontextmanager
async def factory_for(
    first: OpenAIServer, second: OpenAIServer | None = None, **more: Any
) -> AsyncIterator[LLMFactory]:
    """A factory that is closed at the end."""
    factory = LLMFactory(settings_for(first, second, **more))
    try:
        yield factory
    finally:
        await factory.aclose()


@asynccontextmanager
async def chain(first: OpenAIServer, second: OpenAIServer | None = None, **more: Any) -> AsyncIterator[BaseChatModel]:
    """The writer's model."""
    async with factory_for(first, second, **more) as factory:
        yield factory.for_role("writer", Unused())


async def streamed(model: BaseChatModel) -> str:
    """All pieces of an answer, joined."""
    return "".join([piece.text async for piece in model.astream("hi")])


async def said_before_failing(model: BaseChatModel) -> tuple[str, ModelUnavailable]:
    """What came of a stream until it failed, and the failure."""
    said = ""
    try:
        async for piece in model.astream("hi"):
            said += piece.text
    except ModelUnavailable as failure:
        return said, failure
    raise AssertionError(f"the stream ended well: {said}")


async def warm_up(server: OpenAIServer) -> None:
    """The first call of a process loads half of an SDK: not in a hasty test."""
    async with chain(server) as model:
        await model.ainvoke("hi")
        await streamed(model)
