"""Which models answer, what one message may take, and what a conversation remembers."""

from typing import ClassVar

from pydantic import AnyHttpUrl, Field, NonNegativeFloat, SecretStr

from ..configuration import Configuration

EMBEDDED = "embedded"
"""The model that needs no key and no network; see `llm/embedded.py`."""

MODEL_EXAMPLES = {
    "openai": "openai:gpt-5-mini",
    "anthropic": "anthropic:claude-sonnet-5",
    "bedrock": "bedrock_converse:global.anthropic.claude-sonnet-5",
    "ollama": "ollama:qwen3",
}
"""One current model per provider, shown in `.env.example`."""

MODEL_PATTERN = r"^(embedded|[a-z_]+:\S+)$"

MODELS_PATTERN = r"^[a-z_]+:[^\s,]+(\s*,\s*[a-z_]+:[^\s,]+)*$"


class ModelSettings(Configuration):
    """Which models answer, and how long and how often they are asked."""

    title: ClassVar = "Models"

    disable_llm: bool = False
    """Call no model at all: rules plan, and each agent answers from its data."""

    llm_model: str = Field(default=EMBEDDED, pattern=MODEL_PATTERN)
    """Model for every role: `embedded` (no key, no network) or `provider:model`."""

    llm_planner_model: str | None = Field(default=None, pattern=MODEL_PATTERN)
    """Model that plans which agents work; empty: LLM_MODEL."""

    llm_agent_model: str | None = Field(default=None, pattern=MODEL_PATTERN)
    """Model that agents call tools with; empty: LLM_MODEL."""

    llm_writer_model: str | None = Field(default=None, pattern=MODEL_PATTERN)
    """Model that joins several agents' answers into one; empty: LLM_MODEL."""

    llm_judge_model: str | None = Field(default=None, pattern=MODEL_PATTERN)
    """Model that judges whether texts are attacks, when INJECTION_JUDGE is on, and answers, with GROUNDING_JUDGE; empty: LLM_MODEL."""

    llm_grader_model: str | None = Field(default=None, pattern=MODEL_PATTERN)
    """Model that judges answers in an evaluation (`evaluate judge`), and never in the service; empty: LLM_MODEL."""

    llm_fallback_models: str | None = Field(default=None, pattern=MODELS_PATTERN)
    """Models asked in this order when the one before gives nothing usable: `provider:model`,
    separated by commas. Not for roles that `embedded` answers."""

    llm_planner_fallback_models: str | None = Field(default=None, pattern=MODELS_PATTERN)
    """Fallbacks of the planner; empty: LLM_FALLBACK_MODELS."""

    llm_agent_fallback_models: str | None = Field(default=None, pattern=MODELS_PATTERN)
    """Fallbacks of the agents; empty: LLM_FALLBACK_MODELS."""

    llm_writer_fallback_models: str | None = Field(default=None, pattern=MODELS_PATTERN)
    """Fallbacks of the writer; empty: LLM_FALLBACK_MODELS."""

    llm_judge_fallback_models: str | None = Field(default=None, pattern=MODELS_PATTERN)
    """Fallbacks of the judge; empty: LLM_FALLBACK_MODELS."""

    llm_api_key: SecretStr | None = None
    """Key of the model provider; empty: the provider's own variable or credential chain."""

    llm_base_url: AnyHttpUrl | None = None
    """Address of a compatible endpoint, such as a gateway; empty: the provider's own."""

    llm_fallback_api_key: SecretStr | None = None
    """Key of the fallbacks' own endpoint. With neither it nor LLM_FALLBACK_BASE_URL, a fallback of
    the same provider shares LLM_API_KEY and LLM_BASE_URL, another takes its own variables."""

    llm_fallback_base_url: AnyHttpUrl | None = None
    """Address of the fallbacks' own endpoint. It needs LLM_FALLBACK_API_KEY (any text where the
    endpoint asks for none): no key of another endpoint is sent there."""

    llm_timeout_seconds: float = Field(default=20, gt=0, le=600)
    """Longest wait for one model, seconds, its retries included; of a stream, for its beginning.
    The SDKs' own 600 s outlives any caller."""

    llm_connect_timeout_seconds: float = Field(default=2, gt=0, le=30)
    """Longest wait for a connection to a model, seconds; then the next model is asked."""

    llm_first_token_seconds: float = Field(default=10, gt=0, le=600)
    """Longest wait for the first content of a streamed answer, seconds; keep-alives are none."""

    llm_next_token_seconds: float = Field(default=5, gt=0, le=600)
    """Longest wait for further content of a streamed answer, seconds; then it is given up."""

    llm_max_retries: int = Field(default=1, ge=0, le=5)
    """Retries of one model call on timeouts, connection errors, 429 and 5xx; at most one for each
    five calls in the long run, so that an outage is not made worse."""

    llm_breaker_failures: int = Field(default=5, ge=1, le=1000)
    """Failures of a model in a row after which it is not asked for a while."""

    llm_breaker_seconds: float = Field(default=30, gt=0, le=3600)
    """How long it is not asked, seconds; then one call tries whether it works again."""

    llm_max_concurrency: int = Field(default=64, ge=1, le=1000)
    """Calls of one model at once, of one process."""

    llm_max_queue: int = Field(default=128, ge=0, le=10_000)
    """Calls that may wait for such a place; one more goes to the next model at once."""

    llm_max_answer_bytes: int = Field(default=5_000_000, ge=1024)
    """Largest answer of a model after decompression, bytes. A streamed token takes about 250."""

    llm_prices: dict[str, tuple[NonNegativeFloat, NonNegativeFloat]] = {}
    """US dollars per million tokens, in and out, for each model, as JSON:
    `{"openai:gpt-5-mini": [0.25, 2]}`. A model that is not in it costs an unknown sum."""

    llm_temperature: float | None = Field(default=None, ge=0, le=2)
    """Sampling temperature; empty: not sent, since several current models refuse it."""

    llm_max_output_tokens: int = Field(default=1024, ge=16)
    """Longest model answer, tokens."""


class RunSettings(Configuration):
    """What one message may take, and what a conversation remembers."""

    title: ClassVar = "Runs"

    request_timeout_seconds: float = Field(default=45, gt=0, le=3600)
    """Wall deadline of one request, seconds: the answer leaves before it, with what is finished.
    Load balancers (nginx, AWS) cut after 60 s."""

    requests_max_running: int = Field(default=64, ge=1, le=10_000)
    """Messages answered at once, of one process; it bounds memory under load."""

    requests_max_waiting: int = Field(default=128, ge=0, le=100_000)
    """Messages that may wait for that; one more gets 503 with Retry-After at once."""

    run_max_model_calls: int = Field(default=16, ge=1, le=500)
    """Model calls of one run, all agents together; beyond it agents answer from their data."""

    run_max_tool_calls: int = Field(default=24, ge=1, le=1000)
    """Tool calls of one run, all agents together; further calls are refused to the models."""

    run_max_tokens: int = Field(default=100_000, ge=100)
    """Size of all model calls of one run, tokens in and out; once used, no further model is called."""

    agent_max_model_calls: int = Field(default=5, ge=1, le=50)
    """Model calls of one agent in one run; beyond it the agent answers from its data."""

    agent_max_tool_calls: int = Field(default=8, ge=1, le=100)
    """Tool calls of one agent in one run; further calls are refused to the model."""

    plan_max_tasks: int = Field(default=4, ge=1, le=20)
    """Tasks that one message may start side by side; more are asked to come one by one."""

    message_max_chars: int = Field(default=4000, ge=1)
    """Longest message, characters."""

    history_turns: int = Field(default=6, ge=0, le=100)
    """Past exchanges that a thread keeps and a model sees: cost per turn stays flat."""

    history_max_tokens: int = Field(default=2000, ge=0)
    """Size of those exchanges, tokens (guessed at 4 characters each); the oldest leave first."""

    answer_cache_ttl_seconds: int = Field(default=3600, ge=0, le=7 * 24 * 3600)
    """How long an agent's answer may stand in when no model answers, seconds; 0: never."""

    answer_cache_max_entries: int = Field(default=1000, ge=1)
    """Answers kept for that, entries; the one that was not asked for longest leaves first."""
