"""How the settings are called in each provider's class. A new provider is one class here."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Set
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import import_module
from ssl import SSLContext
from typing import Any, ClassVar

import httpx2
from langchain.chat_models import init_chat_model
from langchain_core.language_models import BaseChatModel
from pydantic import AnyHttpUrl, SecretStr

from ..settings import Settings
from ..sources.http import BoundedBody

Hook = Callable[[Any], Awaitable[None]]


class ModelHttp:
    """One pool of connections for all models, and the bound on what an answer may unfold to."""

    def __init__(self, settings: Settings) -> None:
        """Open nothing yet; the client comes with the first model that needs it."""
        self._settings = settings

    @property
    def timeout(self) -> tuple[float, float, float, float]:
        """Seconds to connect, read, write and wait for a connection, as httpx takes them.

        To read starts anew with every byte: the failover model's own clock ends a call.
        """
        seconds = self._settings.llm_timeout_seconds
        return self._settings.llm_connect_timeout_seconds, seconds, seconds, seconds

    @cached_property
    def client(self) -> httpx2.AsyncClient:
        """For SDKs that take one. The environment's proxies hold; no redirect is followed."""
        return httpx2.AsyncClient(
            verify=self.tls(),
            timeout=httpx2.Timeout(self.timeout),
            # The concurrency limiter bounds the calls.
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=self._settings.llm_max_concurrency),
            event_hooks={"response": [self.hook(httpx2.AsyncByteStream)]},
        )

    @cached_property
    def unused_client(self) -> httpx2.Client:
        """For the half of an SDK that blocks: nobody calls it, but it must be there."""
        return httpx2.Client(verify=self.tls())

    @property
    def max_calls(self) -> int:
        """Calls of one model at once."""
        return self._settings.llm_max_concurrency

    @staticmethod
    @cache
    def tls() -> SSLContext:
        """What TLS trusts, read once in a process: reading it takes 27 ms."""
        return httpx2.create_ssl_context()

    def hook(self, stream_class: type[Any]) -> Hook:
        """What an httpx client runs on each answer before its body is read.

        `stream_class` is the client's own AsyncByteStream: Ollama's client still is of httpx 1.
        """
        max_bytes = self._settings.llm_max_answer_bytes
        bounded = type("OwnBoundedStream", (BoundedStream, stream_class), {})

        async def bound(response: Any) -> None:
            encoding = response.headers.pop("content-encoding", "")
            body = BoundedBody(encoding, max_bytes, "LLM_MAX_ANSWER_BYTES")
            response.stream = bounded(response.stream, body)

        return bound

    async def aclose(self) -> None:
        """Close the connections."""
        if "client" in vars(self):
            await self.client.aclose()
        if "unused_client" in vars(self):
            self.unused_client.close()


class BoundedStream:
    """The stream of an answer's body, decompressed by us up to a limit."""

    def __init__(self, stream: Any, body: BoundedBody) -> None:
        self._stream = stream
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The pieces.

        Raises:
            ResponseRejected: They are too many, or packed in a way other than gzip.
        """
        async for piece in self._stream:
            yield self._body.feed(piece)

    async def aclose(self) -> None:
        """Give the connection back."""
        await self._stream.aclose()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A model's address and key; None: the provider's own, by its own variable."""

    api_key: SecretStr | None = None
    base_url: AnyHttpUrl | None = None

    @property
    def address(self) -> str | None:
        """The address as text."""
        return str(self.base_url) if self.base_url else None


class Provider:
    """One provider: its extra, what it needs, and how our settings are called there.

    A sampling parameter that is not set is not sent: several current models refuse any. The
    classes' own retries are off: ours would multiply them.
    """

    name: ClassVar[str]
    """The part of `LLM_MODEL` before the colon, as `init_chat_model` knows it."""

    extra: ClassVar[str]
    """The extra of this project that brings the provider's package."""

    needs: ClassVar[str]
    """What an operator sets when the model cannot be built."""

    takes_key: ClassVar[bool] = True
    """Whether LLM_API_KEY is sent to it."""

    parameters: ClassVar[Set[str]] = frozenset()
    """What it sends beside tools that a compatible endpoint may refuse."""

    def options(self, settings: Settings, endpoint: Endpoint, http: ModelHttp) -> Mapping[str, Any]:
        """The arguments of the provider's class; None is left out."""
        return {
            "api_key": endpoint.api_key,
            "base_url": endpoint.address,
            "max_retries": 0,
            "max_tokens": settings.llm_max_output_tokens,
            "temperature": settings.llm_temperature,
        }

    def build(self, model: str, options: Mapping[str, Any]) -> BaseChatModel:
        """The model `provider:name` with the arguments of its class."""
        built: BaseChatModel = init_chat_model(model, **options)
        return built

    def adapt(self, model: Any, http: ModelHttp) -> None:
        """Set what the model's class takes no argument for."""

    def is_ready(self, model: Any) -> bool:
        """Whether a model that could be built also has what it takes to be called."""
        return True


class OpenAI(Provider):
    """OpenAI, and every endpoint that speaks its chat completions."""

    name = "openai"
    extra = "openai"
    needs = "set LLM_API_KEY (or OPENAI_API_KEY); any text where the endpoint asks for none"
    parameters = frozenset({"max_completion_tokens", "stream_options"})

    def options(self, settings: Settings, endpoint: Endpoint, http: ModelHttp) -> Mapping[str, Any]:
        """As `ChatOpenAI` calls them."""
        return {
            **super().options(settings, endpoint, http),
            "http_async_client": http.client,
            "http_client": http.unused_client,
            "timeout": http.timeout,
            "stream_usage": True,  # off by default wherever a base_url is set
        }

    def build(self, model: str, options: Mapping[str, Any]) -> BaseChatModel:
        """The class that reads what compatible endpoints answer, too."""
        of_model = import_module(".openai_compatible", __package__).CompatibleChatOpenAI
        built: BaseChatModel = of_model(model=model.partition(":")[2], **options).reading_loosely()
        return built


class Anthropic(Provider):
    """Anthropic's own API."""

    name = "anthropic"
    extra = "anthropic"
    needs = "set LLM_API_KEY (or ANTHROPIC_API_KEY)"

    def adapt(self, model: Any, http: ModelHttp) -> None:
        """Give it our connections: its class makes its own, with one timeout for everything."""
        own = model._async_client.with_options(  # noqa: SLF001 - there is no argument for it (1.7)
            http_client=http.client, timeout=httpx2.Timeout(http.timeout)
        )
        vars(model)["_async_client"] = own  # a cached property

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
    parameters = frozenset({"cache_point"})

    NO_RETRIES: ClassVar[Mapping[str, Any]] = {"mode": "standard", "total_max_attempts": 1}

    def options(self, settings: Settings, endpoint: Endpoint, http: ModelHttp) -> Mapping[str, Any]:
        """As our subclass of `ChatBedrockConverse` calls them."""
        guardrail, _, version = (settings.llm_bedrock_guardrail or "").rpartition(":")
        guarded = {"guardrailIdentifier": guardrail, "guardrailVersion": version, "trace": "disabled"}
        return {
            "base_url": endpoint.address,
            "base_models": settings.llm_bedrock_base_models,
            "streaming": settings.llm_bedrock_streaming,
            "caches_prompt": settings.llm_bedrock_prompt_cache,
            "guardrail_config": guarded if guardrail else None,
            "config": import_module("botocore.config").Config(retries=self.NO_RETRIES),
            "max_tokens": settings.llm_max_output_tokens,
            "temperature": settings.llm_temperature,
        }

    def build(self, model: str, options: Mapping[str, Any]) -> BaseChatModel:
        """The class that asks no control plane and blocks nothing."""
        of_model = import_module(".bedrock", __package__).BedrockChat
        built: BaseChatModel = of_model.named(model.partition(":")[2], **options)
        return built

    def adapt(self, model: Any, http: ModelHttp) -> None:
        """Have it send over our connections, from threads of its own: as many as calls at once."""
        calls = import_module(".threaded_calls", __package__).ThreadedCalls
        model.send_over(calls(http.client, http.max_calls))

    def is_ready(self, model: Any) -> bool:
        """Whether the chain finds credentials: the client itself looks in the first call only."""
        if model.bedrock_api_key:  # AWS_BEARER_TOKEN_BEDROCK
            return True
        return import_module("boto3").Session().get_credentials() is not None


class Ollama(Provider):
    """Models on your own machine."""

    name = "ollama"
    extra = "ollama"
    needs = "set LLM_BASE_URL (or OLLAMA_HOST) to the address of the Ollama server"

    def options(self, settings: Settings, endpoint: Endpoint, http: ModelHttp) -> Mapping[str, Any]:
        """As `ChatOllama` calls them. The key is for a server behind a gateway."""
        key = endpoint.api_key
        stream_class = import_module("httpx").AsyncByteStream
        headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
        return {
            "base_url": endpoint.address,
            "client_kwargs": {"timeout": http.timeout, "headers": headers},
            "async_client_kwargs": {"event_hooks": {"response": [http.hook(stream_class)]}},
            "num_predict": settings.llm_max_output_tokens,
            "temperature": settings.llm_temperature,
        }


PROVIDERS: Mapping[str, Provider] = {
    provider.name: provider for provider in (OpenAI(), Anthropic(), Bedrock(), Ollama())
}
