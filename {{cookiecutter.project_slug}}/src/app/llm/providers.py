"""What each provider's class wants to be told. A new provider is one class in this module."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from importlib import import_module
from math import ceil
from typing import Any, ClassVar

from pydantic import SecretStr

from ..settings import Settings


class Provider(ABC):
    """One provider: its extra, what it needs, and how our settings are called there.

    A sampling parameter that is not set is not sent: several current models refuse any.
    """

    name: ClassVar[str]
    """The part of `LLM_MODEL` before the colon, as `init_chat_model` knows it."""

    extra: ClassVar[str]
    """The extra of this project that brings the provider's package."""

    needs: ClassVar[str]
    """What an operator sets when the model cannot be built."""

    takes_key: ClassVar[bool] = True
    """Whether LLM_API_KEY is sent to it."""

    @abstractmethod
    def options(self, settings: Settings) -> Mapping[str, Any]:
        """The arguments of the provider's class; None stands for not given."""

    def is_ready(self, model: Any) -> bool:
        """Whether a model that could be built also has what it takes to be called."""
        return True


class OpenAI(Provider):
    """OpenAI, and every endpoint that speaks its chat completions."""

    name = "openai"
    extra = "openai"
    needs = "set LLM_API_KEY (or OPENAI_API_KEY); any text where the endpoint asks for none"

    def options(self, settings: Settings) -> Mapping[str, Any]:
        """As `ChatOpenAI` calls them."""
        return {
            "api_key": settings.llm_api_key,
            "base_url": str(settings.llm_base_url) if settings.llm_base_url else None,
            "timeout": settings.llm_timeout_seconds,
            # `timeout` starts anew with every byte, keep-alive comments included; this one only
            # with a chunk of the answer. Its default is 120 s (langchain-openai 1.7).
            "stream_chunk_timeout": settings.llm_timeout_seconds,
            "max_retries": settings.llm_max_retries,
            "max_tokens": settings.llm_max_output_tokens,
            "temperature": settings.llm_temperature,
            "stream_usage": True,  # off by default wherever a base_url is set
        }


class Anthropic(Provider):
    """Anthropic's own API."""

    name = "anthropic"
    extra = "anthropic"
    needs = "set LLM_API_KEY (or ANTHROPIC_API_KEY)"

    def options(self, settings: Settings) -> Mapping[str, Any]:
        """As `ChatAnthropic` calls them."""
        return {
            "api_key": settings.llm_api_key,
            "base_url": str(settings.llm_base_url) if settings.llm_base_url else None,
            "timeout": settings.llm_timeout_seconds,
            "max_retries": settings.llm_max_retries,
            "max_tokens": settings.llm_max_output_tokens,
            "temperature": settings.llm_temperature,
        }

    def is_ready(self, model: Any) -> bool:
        """Whether there is a key: the class itself asks for it in the first call only."""
        key: SecretStr = model.anthropic_api_key
        return bool(key.get_secret_value())


class Bedrock(Provider):
    """Models on AWS through Converse, with the credential chain of AWS."""

    name = "bedrock_converse"
    extra = "bedrock"
    needs = "set AWS_REGION and give credentials by a role, a profile or AWS_ACCESS_KEY_ID"
    takes_key = False

    def options(self, settings: Settings) -> Mapping[str, Any]:
        """As `ChatBedrockConverse` calls them."""
        return {
            "base_url": str(settings.llm_base_url) if settings.llm_base_url else None,
            "timeout": ceil(settings.llm_timeout_seconds),  # whole seconds only
            "max_retries": settings.llm_max_retries,
            "max_tokens": settings.llm_max_output_tokens,
            "temperature": settings.llm_temperature,
        }

    def is_ready(self, model: Any) -> bool:
        """Whether the chain finds credentials: the client itself looks in the first call only."""
        if model.bedrock_api_key:  # AWS_BEARER_TOKEN_BEDROCK
            return True
        return import_module("boto3").Session().get_credentials() is not None


class Ollama(Provider):
    """Models on your own machine. Its class has no retries, so LLM_MAX_RETRIES does nothing."""

    name = "ollama"
    extra = "ollama"
    needs = "set LLM_BASE_URL (or OLLAMA_HOST) to the address of the Ollama server"

    def options(self, settings: Settings) -> Mapping[str, Any]:
        """As `ChatOllama` calls them. The key is for a server behind a gateway."""
        key = settings.llm_api_key
        headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
        return {
            "base_url": str(settings.llm_base_url) if settings.llm_base_url else None,
            "client_kwargs": {"timeout": settings.llm_timeout_seconds, "headers": headers},
            "num_predict": settings.llm_max_output_tokens,
            "temperature": settings.llm_temperature,
        }


PROVIDERS: Mapping[str, Provider] = {
    provider.name: provider for provider in (OpenAI(), Anthropic(), Bedrock(), Ollama())
}
