"""What model calls cost and how they ended: one log line a call, one sum a run."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import structlog
from langchain_core.messages import BaseMessage
from langchain_core.messages.ai import UsageMetadata, add_usage
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config

from ..errors import ClarificationNeeded
from ..run_context import RunContext
from ..telemetry.metrics import METRICS
from ..telemetry.tracing import TRACES, Attributes, Span
from .cost import Prices
from .failures import ModelCallFailed

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

    def add(self, tokens: UsageMetadata, usd: float | None) -> None:
        """Add what a call used; `usd` is None for a model without a price."""
        self.input_tokens += tokens["input_tokens"]
        self.output_tokens += tokens["output_tokens"]
        self.priced_usd += usd or 0.0
        is_unknown = usd is None or self.cost_usd is None
        self.cost_usd = None if is_unknown else self.priced_usd


class ModelCallRecorder:
    """One call from its start to its end: one log line, one count.

    `outcome` is `ok`, `asked` (the embedded model lacks a detail and the user is asked for it),
    `cancelled`, `failed` (a fault of ours), or the reason of a `ModelCallFailed`. No text of a message or
    of an exception is logged: a provider's exception may quote the key or the prompt.
    """

    def __init__(self, role: str, model: str, prices: Prices) -> None:
        """Speak for one call of `model` in `role`."""
        self._role = role
        self._model = model
        self._prices = prices
        self._tokens: UsageMetadata | None = None

    def spent(self, tokens: UsageMetadata | None) -> None:
        """Add the provider's count; None where it sent none, as many compatible gateways do."""
        if tokens is not None:
            self._tokens = add_usage(self._tokens, tokens)

    @contextmanager
    def record(self, asked: Any, config: RunnableConfig | None) -> Iterator[None]:
        """The call is what happens in the block; `asked` is what the model is given."""
        provider, _, name = self._model.partition(":")
        about: Attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": provider,
            "gen_ai.request.model": name or provider,
            "app.role": self._role,
        }
        with (
            TRACES.span(f"chat {name or provider}", about, "leaf") as span,
            self._counted(asked, config, span),
        ):
            yield

    @contextmanager
    def _counted(self, asked: Any, config: RunnableConfig | None, span: Span) -> Iterator[None]:
        metadata = ensure_config(config).get("metadata") or {}
        known = {
            "role": self._role,
            "model": self._model,
            "prompt": metadata.get("prompt"),
            "prompt_version": metadata.get("prompt_version"),
        }
        if usage := RunContext.current().usage:
            usage.model_calls += 1
        log.debug("model_call_started", **known, **self._size(asked))
        started = perf_counter()
        outcome, error = "failed", None
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
            self._end(known, outcome, error, perf_counter() - started)
            self._trace(span, known, outcome)

    def _end(self, known: dict[str, Any], outcome: str, error: str | None, seconds: float) -> None:
        tokens, usd = self._tokens, None
        if tokens is not None:
            usd = self._prices.usd(self._model, tokens)
            if usage := RunContext.current().usage:
                usage.add(tokens, usd)
            used = tokens["input_tokens"], tokens["output_tokens"]
            METRICS.tokens(self._role, self._model, *used, usd)
        METRICS.model_call(self._role, self._model, outcome, seconds)
        told = {
            **known,
            "ms": round(seconds * 1000, 1),
            "outcome": outcome,
            "input_tokens": tokens["input_tokens"] if tokens else None,
            "output_tokens": tokens["output_tokens"] if tokens else None,
            "usd": usd,
        }
        if error:
            METRICS.failure("llm", self._model)
            log.warning("model_call", **told, error=error)
        else:
            log.info("model_call", **told)

    def _trace(self, span: Span, known: dict[str, Any], outcome: str) -> None:
        span.set({f"app.{name}": known[name] for name in ("prompt", "prompt_version")})
        if self._tokens is not None:
            span.set(
                {
                    "gen_ai.usage.input_tokens": self._tokens["input_tokens"],
                    "gen_ai.usage.output_tokens": self._tokens["output_tokens"],
                }
            )
        if outcome not in ("ok", "asked"):
            span.fail(outcome)

    @staticmethod
    def _size(asked: Any) -> dict[str, int]:
        """How much is sent: messages, and characters of their text."""
        texts = (
            [asked]
            if isinstance(asked, str)
            else [m.text for m in asked if isinstance(m, BaseMessage)]
        )
        return {"messages": len(texts), "chars": sum(map(len, texts))}
