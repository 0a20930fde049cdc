"""Each provider's class is told our settings in its own words. Nothing here leaves the machine."""

import sys
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage
from pydantic import AnyHttpUrl, SecretStr

from harness.errors import ConfigurationError, ModelUnavailable
from harness.models.factory import LLMFactory
from harness.models.providers import PROVIDERS, Anthropic, Bedrock, Endpoint, ModelHttp, Ollama
from harness.settings import MODEL_EXAMPLES, Settings
from tests.support.peers.openai_replies import Failure
from tests.support.peers.openai_server import OpenAIServer

KEY = "planted-" + "key-5678"

CASES = {
    "openai": ("langchain_openai", "openai:gpt-4.1-mini", "/v1/chat/completions"),
    "anthropic": ("langchain_anthropic", "anthropic:claude-sonnet-5", "/v1/messages"),
    "bedrock_converse": (
        "langchain_aws",
        "bedrock_converse:amazon.nova-lite-v1:0",
        "/model/amazon.nova-lite-v1%3A0/converse",
    ),
    "ollama": ("langchain_ollama", "ollama:qwen3", "/api/chat"),
}
"""Provider -> its package, a model of it, and the path that its client asks."""


class Unused:
    """The script of a role whose model is a provider's."""

    def respond(self, messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        raise AssertionError("the embedded model was asked")


@pytest.fixture(autouse=True)
def _aws(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A region, no credentials, and no files or metadata server to find any."""
    nothing = tmp_path_factory.mktemp("aws") / "nothing"
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(nothing))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(nothing))


@pytest.fixture
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "planted")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "planted")


def settings_for(provider: str, address: str, **more: Any) -> Settings:
    path = "/v1" if provider == "openai" else ""
    return Settings(
        llm_model=CASES[provider][1], llm_base_url=AnyHttpUrl(address + path), llm_api_key=SecretStr(KEY), **more
    )


def values_of(body: Any) -> dict[str, Any]:
    """Every leaf of a request's body by its name."""
    found: dict[str, Any] = {}
    for name, value in body.items():
        found.update(values_of(value) if isinstance(value, dict) else {name: value})
    return found


@pytest.mark.usefixtures("_credentials")
@pytest.mark.parametrize("provider", CASES)
async def test_every_provider_asks_its_own_api_within_our_bounds(provider: str) -> None:
    package, _, path = CASES[provider]
    pytest.importorskip(package)
    with OpenAIServer(lambda request: Failure(400)) as server:
        settings = settings_for(provider, server.address, llm_max_output_tokens=77)
        model = LLMFactory(settings).for_role("agent", Unused())
        with pytest.raises(ModelUnavailable, match="refused"):
            await model.ainvoke("hi")

    (request,) = server.requests
    assert request.path == path
    sent = values_of(request.body)
    assert 77 in sent.values()
    assert not {"temperature", "top_p", "topP", "top_k", "seed"} & sent.keys()


@pytest.mark.usefixtures("_credentials")
@pytest.mark.parametrize("provider", CASES)
async def test_every_provider_is_sent_the_temperature_that_is_set(provider: str) -> None:
    pytest.importorskip(CASES[provider][0])
    with OpenAIServer(lambda request: Failure(400)) as server:
        settings = settings_for(provider, server.address, llm_temperature=0.25)
        with pytest.raises(ModelUnavailable, match="refused"):
            await LLMFactory(settings).for_role("agent", Unused()).ainvoke("hi")

    assert values_of(server.requests[0].body)["temperature"] == 0.25


@pytest.mark.usefixtures("_credentials")
@pytest.mark.parametrize("provider", CASES)
async def test_no_provider_s_own_client_repeats_a_call(provider: str) -> None:
    pytest.importorskip(CASES[provider][0])
    with OpenAIServer(lambda request: Failure(500)) as server:
        settings = settings_for(provider, server.address, llm_max_retries=0)
        with pytest.raises(ModelUnavailable, match="upstream_error"):
            await LLMFactory(settings).for_role("agent", Unused()).ainvoke("hi")

    assert len(server.requests) == 1


@pytest.mark.parametrize("provider", ["openai", "anthropic", "ollama"])
async def test_the_key_is_sent_as_the_provider_s_own_client_sends_it(provider: str) -> None:
    pytest.importorskip(CASES[provider][0])
    with OpenAIServer(lambda request: Failure(400)) as server:
        settings = settings_for(provider, server.address)
        with pytest.raises(ModelUnavailable, match="refused"):
            await LLMFactory(settings).for_role("agent", Unused()).ainvoke("hi")

    assert {KEY, f"Bearer {KEY}"} & set(server.requests[0].headers.values())


@pytest.mark.usefixtures("_credentials")
async def test_the_key_of_another_provider_is_not_sent_to_aws() -> None:
    pytest.importorskip("langchain_aws")
    with OpenAIServer(lambda request: Failure(400)) as server:
        settings = settings_for("bedrock_converse", server.address)
        with pytest.raises(ModelUnavailable, match="refused"):
            await LLMFactory(settings).for_role("agent", Unused()).ainvoke("hi")

    assert KEY not in str(server.requests[0].headers)


@pytest.mark.parametrize("provider", ["openai", "anthropic", "bedrock_converse"])
def test_a_provider_without_key_or_credentials_is_refused_at_start(provider: str) -> None:
    package, model, _ = CASES[provider]
    pytest.importorskip(package)

    with pytest.raises(ConfigurationError) as refusal:
        LLMFactory(Settings(llm_model=model))

    assert PROVIDERS[provider].needs in str(refusal.value)


def test_an_address_that_is_not_set_is_left_to_the_provider_s_own_variable() -> None:
    for name, provider in PROVIDERS.items():
        pytest.importorskip(CASES[name][0])
        settings = Settings()
        options = provider.options(settings, Endpoint(), ModelHttp(settings))
        assert options["base_url"] is None


def test_a_local_ollama_gets_no_key_when_none_is_set() -> None:
    options = Ollama().options(Settings(), Endpoint(), ModelHttp(Settings()))

    assert options["client_kwargs"]["headers"] == {}


def test_anthropic_is_ready_with_a_key_only() -> None:
    assert Anthropic().is_ready(SimpleNamespace(anthropic_api_key=SecretStr(KEY)))
    assert not Anthropic().is_ready(SimpleNamespace(anthropic_api_key=SecretStr("")))


@pytest.mark.parametrize(
    ("bearer", "credentials", "is_ready"), [(None, None, False), (None, object(), True), (SecretStr(KEY), None, True)]
)
def test_bedrock_is_ready_with_a_bearer_token_or_with_credentials_of_the_chain(
    monkeypatch: pytest.MonkeyPatch, bearer: Any, credentials: Any, is_ready: bool
) -> None:
    session = SimpleNamespace(get_credentials=lambda: credentials)
    monkeypatch.setitem(sys.modules, "boto3", SimpleNamespace(Session=lambda: session))

    assert Bedrock().is_ready(SimpleNamespace(bedrock_api_key=bearer)) is is_ready


def test_every_provider_is_asked_for_at_generation_with_a_model_that_it_takes() -> None:
    assert {provider.extra for provider in PROVIDERS.values()} == set(MODEL_EXAMPLES)
    for extra, model in MODEL_EXAMPLES.items():
        assert PROVIDERS[model.partition(":")[0]].extra == extra
