"""Records every model call: one log line, its metrics and span, its price, and the sum of its run."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final, Self

import structlog
from langchain_core.messages import BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config

from ..errors import ClarificationNeeded
from ..run_context import RunContext
from ..settings import EMBEDDED
from ..telemetry.metrics import FAILURES, LLM_CALLS, LLM_COST, LLM_LATENCY, LLM_TOKENS
from ..telemetry.tracing import TRACES, Span
from .failures import ModelCallFailed


class Prices:
    """US dollars per million tokens, in and out, by model.

    Cached and reasoning tokens are counted at these prices too, and those that a cache is written with
    above them: the sum is never too low.
    """

    PER_TOKENS: Final = 1_000_000
    """What a price is for, as every provider lists it."""

    WRITTEN_EXTRA: Final = 0.25
    """Added to the price of a token that a prompt cache is written with, for 5 minutes: Claude's, by Anthropic and by
    Bedrock, 2026-11; others ask nothing."""

    def __init__(self, table: Mapping[str, tuple[float, float]]) -> None:
        self._table = {EMBEDDED: (0.0, 0.0), **table}
        self._named: set[str] = set()

    def usd(self, model: str, tokens: UsageMetadata) -> float | None:
        """The price of a call; None where the table does not have the model (logged once)."""
        if model not in self._table:
            if model not in self._named:
                self._named.add(model)
                log.warning("model_without_price", model=model, remedy="add it to LLM_PRICES")
            return None
        price_in, price_out = self._table[model]
        written = ((tokens.get("input_token_details") or {}).get("cache_creation") or 0) * self.WRITTEN_EXTRA
        whole = (tokens["input_tokens"] + written) * price_in + tokens["output_tokens"] * price_out
        return whole / self.PER_TOKENS


log = structlog.stdlib.get_logger(__name__)


@dataclass(slots=True)
class Usage:
    """What one run used, over all of its models and side-by-side agents."""

    model_calls: int = 0
    """Calls started, failed ones and retries included."""

    input_tokens: int = 0
    output_tokens: int = 0
    """As the providers count. A call that failed, or whose provider sends no count, adds none."""

    cost_usd: float | None = 0.0
    """US dollars by LLM_PRICES; None once a model without a price has answered."""

    priced_usd: float = 0.0
    """US dollars of the models with a price alone: what quotas of money are settled with."""

    @classmethod
    @contextmanager
    def scope(cls) -> Iterator[Self]:
        """The sum of all calls made inside the block; complete when the block ends."""
        usage = cls()
        with RunContext.scope(usage=usage):
            yield usage

    @classmethod
    def current(cls) -> "Usage":
        """The sum of the current run; outside of a run one that nobody reads."""
        return RunContext.current().usage or cls()

    def add(self, tokens: UsageMetadata, usd: float | None) -> None:
        """Add what a call used; `usd` is None for a model without a price."""
        self.input_tokens += tokens["input_tokens"]
        self.output_tokens += tokens["output_tokens"]
        self.priced_usd += usd or 0.0
        is_unknown = usd is None or self.cost_usd is None
        self.cost_usd = None if is_unknown else self.priced_usd


class ModelCallRecorder:
    """One call from its start to its end.

    `outcome` is `ok`, `asked` (the embedded model lacks a detail and the user is asked for it),
    `cancelled`, `failed` (a fault of ours), or the reason of a `ModelCallFailed`. No text of a
    message or of an exception is logged: a provider's exception may quote the key or the prompt.
    """

    def __init__(self, role: str, model: str, prices: Prices) -> None:
        self._role = role
        self._model = model
        self._prices = prices
        self._tokens: UsageMetadata | None = None

    def count(self, tokens: UsageMetadata | None) -> None:
        """Take the provider's count in place of the one before; None where it sent none, as many gateways do."""
        self._tokens = tokens or self._tokens

    @contextmanager
    def record(self, request: Any, config: RunnableConfig | None) -> Iterator[None]:
        """The call is what happens in the block; `request` is what the model is given."""
        metadata = ensure_config(config).get("metadata") or {}
        prompt = {name: metadata.get(name) for name in ("prompt", "prompt_version")}
        provider, _, name = self._model.partition(":")
        about = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": provider,
            "gen_ai.request.model": name or provider,
            "app.role": self._role,
            **{f"app.{key}": value for key, value in prompt.items()},
        }
        Usage.current().model_calls += 1
        fields = {"role": self._role, "model": self._model, **prompt}
        log.debug("model_call_started", **fields, **self._size(request))
        started = perf_counter()
        outcome, error = "failed", None
        with TRACES.span(f"chat {name or provider}", about, "leaf") as span:
            try:
                yield
                outcome = "ok"
            except ClarificationNeeded:
                outcome = "asked"
                raise
            except ModelCallFailed as failure:
                outcome, error = failure.reason, type(failure.__cause__ or failure).__name__
                raise
            except (asyncio.CancelledError, GeneratorExit):
                outcome = "cancelled"
                raise
            except Exception as failure:
                error = type(failure).__name__
                raise
            finally:
                self._end(fields, outcome, error, perf_counter() - started, span)

    def _end(self, fields: dict[str, Any], outcome: str, error: str | None, seconds: float, span: Span) -> None:
        who = self._role, self._model
        used: dict[str, int | None] = {"input_tokens": None, "output_tokens": None}
        usd = None
        if self._tokens is not None:
            usd = self._prices.usd(self._model, self._tokens)
            Usage.current().add(self._tokens, usd)
            for direction in ("input", "output"):
                count: int = self._tokens[f"{direction}_tokens"]  # type: ignore[literal-required]
                used[f"{direction}_tokens"] = count
                LLM_TOKENS.labels(*who, direction).inc(count)
            if usd is not None:
                LLM_COST.labels(*who).inc(usd)
        LLM_CALLS.labels(*who, outcome).inc()
        LLM_LATENCY.labels(*who).observe(seconds)
        span.set({f"gen_ai.usage.{name}": value for name, value in used.items()})
        if outcome not in ("ok", "asked"):
            span.fail(outcome)
        fields |= {"ms": round(seconds * 1000, 1), "outcome": outcome, **used, "usd": usd}
        if error:
            FAILURES.labels("llm", self._model).inc()
            log.warning("model_call", **fields, error=error)
        else:
            log.info("model_call", **fields)

    @staticmethod
    def _size(request: Any) -> dict[str, int]:
        """How much is sent: messages, and characters of their text."""
        texts = [request] if isinstance(request, str) else [m.text for m in request if isinstance(m, BaseMessage)]
        return {"messages": len(texts), "chars": sum(map(len, texts))}
