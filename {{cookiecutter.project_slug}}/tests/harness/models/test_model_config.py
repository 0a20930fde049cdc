"""The configuration names a row of models for each role, and no secret reaches a stranger."""

import pytest
from pydantic import AnyHttpUrl, SecretStr

from harness.errors import ConfigurationError
from harness.models.model_config import ModelConfig
from harness.settings import Settings

KEY = SecretStr("planted-" + "key-one")
OTHER_KEY = SecretStr("planted-" + "key-two")
URL = AnyHttpUrl("http://127.0.0.1:9/v1")
OTHER_URL = AnyHttpUrl("http://127.0.0.1:10/v1")


def rows(settings: Settings) -> dict[str, list[str]]:
    return {role: [it.name for it in row] for role, row in ModelConfig(settings).rows.items()}


def endpoints(settings: Settings) -> dict[str, tuple[object, object]]:
    return {
        it.name: (it.endpoint.api_key, it.endpoint.base_url) for it in ModelConfig(settings).all()
    }


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
        llm_model="openai:a",
        llm_judge_model="openai:j",
        llm_judge_fallback_models="openai:k",
        injection_judge=True,
    )
    assert rows(judged)["judge"] == ["openai:j", "openai:k"]


def test_a_role_of_the_embedded_model_has_no_row() -> None:
    settings = Settings(
        llm_model="openai:a", llm_writer_model="embedded", llm_fallback_models="openai:b"
    )
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
    settings = Settings(
        llm_model="openai:a", llm_fallback_models="openai:b", llm_api_key=KEY, llm_base_url=URL
    )
    assert endpoints(settings) == {"openai:a": (KEY, URL), "openai:b": (KEY, URL)}
    assert not list(ModelConfig(settings).problems())


def test_a_fallback_of_another_provider_gets_neither_key_nor_address_of_the_first() -> None:
    settings = Settings(
        llm_model="openai:a", llm_fallback_models="anthropic:b", llm_api_key=KEY, llm_base_url=URL
    )
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
        llm_model="openai:a",
        llm_fallback_models="openai:b",
        llm_api_key=KEY,
        llm_fallback_base_url=OTHER_URL,
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
