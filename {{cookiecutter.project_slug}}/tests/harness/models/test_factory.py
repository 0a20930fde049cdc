"""Every role gets the model that the configuration names, ready to be called, or no start."""

import subprocess
import sys
from collections.abc import Iterator, Sequence

import pytest
from langchain_core.messages import AIMessage, BaseMessage
from pydantic import AnyHttpUrl, SecretStr

from harness.errors import ConfigurationError, ModelUnavailable
from harness.models.factory import LLMFactory
from harness.models.model_config import Role
from harness.project import Extra
from harness.settings import Settings
from tests.support.peers.openai_replies import Failure, NoChoices, Text
from tests.support.peers.openai_server import OpenAIServer

KEY = "planted-" + "key-1234"

ROLES: tuple[Role, ...] = ("planner", "agent", "writer")


class Hello:
    """Says hello."""

    def respond(self, messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        return AIMessage("hello")


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer(lambda request: Text(f"I am {request.model}")) as server:
        yield server


@pytest.fixture
def _configured(server: OpenAIServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """As an operator does it: by the environment."""
    monkeypatch.setenv("LLM_MODEL", "openai:for-all")
    monkeypatch.setenv("LLM_BASE_URL", server.url)
    monkeypatch.setenv("LLM_API_KEY", KEY)


@pytest.mark.checklist("CODE-6")
@pytest.mark.usefixtures("_configured")
async def test_a_role_gets_its_own_model_by_configuration_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_PLANNER_MODEL", "openai:small:planner")
    monkeypatch.setenv("LLM_WRITER_MODEL", "embedded")

    factory = LLMFactory(Settings())

    answers = {role: await factory.for_role(role, Hello()).ainvoke("who?") for role in ROLES}
    assert {role: answer.text for role, answer in answers.items()} == {
        "planner": "I am small:planner",
        "agent": "I am for-all",
        "writer": "hello",
    }
    assert [(model.role, model.model, model.kind) for model in factory.models()] == [
        ("planner", "openai:small:planner", "provider"),
        ("agent", "openai:for-all", "provider"),
        ("writer", "embedded", "embedded"),
    ]


@pytest.mark.usefixtures("_configured")
async def test_no_service_has_a_grader_and_an_evaluation_has_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_GRADER_MODEL", "openai:grader")
    monkeypatch.setenv("LLM_FALLBACK_MODELS", "openai:other")
    monkeypatch.setenv("INJECTION_JUDGE", "true")
    assert {model.role for model in LLMFactory(Settings()).models()} == {*ROLES, "judge"}

    factory = LLMFactory(Settings(), ["grader"])

    assert [(model.role, model.model) for model in factory.models()] == [("grader", "openai:grader")]
    assert [link.model for link in factory.models()[0].links] == ["openai:grader"]  # another judge measures otherwise
    assert (await factory.for_role("grader", Hello()).ainvoke("who?")).text == "I am grader"


async def test_without_configuration_the_embedded_model_says_the_role_s_script() -> None:
    factory = LLMFactory(Settings())

    model = factory.for_role("agent", Hello())

    assert (await model.ainvoke("anything")).text == "hello"
    assert {model.kind for model in factory.models()} == {"embedded"}


def test_a_disabled_factory_builds_no_model_and_gives_none() -> None:
    # The key is missing: only a factory that builds nothing can start.
    factory = LLMFactory(Settings(disable_llm=True, llm_model="openai:any"))

    assert factory.is_disabled
    assert {(model.model, model.kind) for model in factory.models()} == {("openai:any", "disabled")}
    with pytest.raises(ModelUnavailable, match="DISABLE_LLM"):
        factory.for_role("planner", Hello())


@pytest.mark.usefixtures("_configured")
def test_requests_share_the_models_of_their_roles() -> None:
    factory = LLMFactory(Settings())

    assert factory.for_role("agent", Hello()) is factory.for_role("agent", Hello())


@pytest.mark.usefixtures("_configured")
async def test_sampling_parameters_are_sent_only_when_set(server: OpenAIServer) -> None:
    for settings in (Settings(), Settings(llm_temperature=0, llm_max_output_tokens=77)):
        await LLMFactory(settings).for_role("agent", Hello()).ainvoke("hi")

    unset, is_set = [request.body for request in server.requests]
    sampling = {"temperature", "top_p", "presence_penalty", "frequency_penalty", "seed", "n"}
    assert not sampling & unset.keys()
    assert unset["max_completion_tokens"] == 1024
    assert is_set["temperature"] == 0
    assert is_set["max_completion_tokens"] == 77
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.usefixtures("_configured")
async def test_a_streamed_answer_is_asked_for_its_usage(server: OpenAIServer) -> None:
    chunks = [chunk async for chunk in LLMFactory(Settings()).for_role("writer", Hello()).astream("hi")]

    assert "".join(chunk.text for chunk in chunks) == "I am for-all"
    assert server.requests[0].body["stream_options"] == {"include_usage": True}
    assert [chunk.usage_metadata["total_tokens"] for chunk in chunks if chunk.usage_metadata] == [18]


@pytest.mark.parametrize("status", [500, 429])
@pytest.mark.parametrize("retries", [0, 2])
async def test_a_failing_provider_is_asked_again_no_more_often_than_configured(status: int, retries: int) -> None:
    with OpenAIServer(lambda request: Failure(status)) as server:
        settings = Settings(
            llm_model="openai:any",
            llm_base_url=AnyHttpUrl(server.url),
            llm_api_key=SecretStr(KEY),
            llm_max_retries=retries,
        )
        with pytest.raises(ModelUnavailable):
            await LLMFactory(settings).for_role("agent", Hello()).ainvoke("hi")

        assert len(server.requests) == 1 + retries


async def test_an_answer_without_choices_raises_and_is_not_asked_again() -> None:
    with OpenAIServer([NoChoices()]) as server:
        settings = Settings(llm_model="openai:any", llm_base_url=AnyHttpUrl(server.url), llm_api_key=SecretStr(KEY))
        with pytest.raises(ModelUnavailable, match="upstream_invalid"):
            await LLMFactory(settings).for_role("agent", Hello()).ainvoke("hi")

        assert len(server.requests) == 1


@pytest.mark.checklist("CFG-1")
@pytest.mark.usefixtures("_configured")
def test_the_key_shows_in_no_representation_of_what_is_built() -> None:
    factory = LLMFactory(Settings())

    model = factory.for_role("agent", Hello())

    assert "for-all" in repr(model)
    for shown in (repr(model), str(model), repr(vars(factory)), repr(factory.models())):
        assert KEY not in shown


def test_a_missing_key_is_refused_at_start_with_the_variable_that_mends_it() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        LLMFactory(Settings(llm_model="openai:any"))

    (problem,) = refusal.value.problems
    assert problem.startswith("LLM_MODEL: openai:any cannot be used: set LLM_API_KEY")


def test_all_wrong_choices_are_named_at_once_each_by_its_variable() -> None:
    settings = Settings(llm_model="openai:any", llm_writer_model="nobody:any")

    with pytest.raises(ConfigurationError) as refusal:
        LLMFactory(settings)

    about_openai, about_writer = sorted(refusal.value.problems)
    assert about_openai.startswith("LLM_MODEL: openai:any cannot be used")
    assert about_writer == (
        "LLM_WRITER_MODEL: nobody:any cannot be used:"
        " the provider is not one of openai, anthropic, bedrock_converse, ollama"
    )


def test_one_key_or_address_is_never_sent_to_two_providers() -> None:
    settings = Settings(
        llm_model="openai:any",
        llm_writer_model="ollama:any",
        llm_api_key=SecretStr(KEY),
        llm_base_url=AnyHttpUrl("http://127.0.0.1:9/v1"),
    )

    with pytest.raises(ConfigurationError) as refusal:
        LLMFactory(settings)

    text = str(refusal.value)
    assert "LLM_API_KEY: one key for ollama and openai" in text
    assert "LLM_BASE_URL: one address for ollama and openai" in text
    assert KEY not in text


PROVIDERLESS = """
import sys

PACKAGES = ("langchain_openai", "langchain_anthropic", "langchain_aws", "langchain_ollama")

from harness.errors import ConfigurationError
from harness.models.factory import LLMFactory
from harness.settings import Settings

LLMFactory(Settings(llm_model="embedded"))
assert not [name for name in (*PACKAGES, "openai", "anthropic", "boto3") if name in sys.modules]

for package, model in zip(PACKAGES, ("openai:m", "anthropic:m", "bedrock_converse:m", "ollama:m")):
    sys.modules[package] = None  # as if it were not installed
    try:
        LLMFactory(Settings(llm_model=model, llm_api_key="k"))
    except ConfigurationError as refusal:
        print(refusal)
"""


def test_a_provider_s_package_is_loaded_only_when_chosen_and_named_when_missing() -> None:
    run = subprocess.run([sys.executable, "-c", PROVIDERLESS], capture_output=True, text=True, check=True)

    assert run.stdout.splitlines() == [
        "LLM_MODEL: openai:m cannot be used: " + Extra.remedy("openai"),
        "LLM_MODEL: anthropic:m cannot be used: " + Extra.remedy("anthropic"),
        "LLM_MODEL: bedrock_converse:m cannot be used: " + Extra.remedy("bedrock"),
        "LLM_MODEL: ollama:m cannot be used: " + Extra.remedy("ollama"),
    ]
