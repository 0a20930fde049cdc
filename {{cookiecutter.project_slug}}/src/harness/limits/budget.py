"""What one run may use: model calls, tool calls and tokens, asked for before they are spent."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol

from ..errors import BudgetExceeded
from ..run_context import RunContext


class Tokens(Protocol):
    """The running count of tokens, as the providers report them."""

    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class RunLimits:
    """The most that a run, or one agent in it, may use."""

    owner: Literal["RUN", "AGENT"]
    """Whose settings they are: a refusal names the setting."""

    model_calls: int
    tool_calls: int
    tokens: int | None = None
    """Known after each call only: the call that passes it is the last one."""


@dataclass(slots=True)
class RunUsage:
    """What was used so far of one set of limits."""

    limits: RunLimits
    tokens: Tokens | None
    model_calls: int = 0
    tool_calls: int = 0

    def check(self, what: str, used: int, limit: int) -> None:
        """Raise BudgetExceeded when no further one may be used."""
        if used >= limit:
            setting = f"{self.limits.owner}_MAX_{what.replace(' ', '_').upper()}"
            raise BudgetExceeded(what, limit, setting)


class Budget:
    """Counts the model and tool calls of a run, over all of its tasks, before they are made.

    An agent's budget lies inside the run's: a call counts in both. A limit of 5 lets 5 calls
    through, side by side or not. Outside of a run nothing is counted.
    """

    @staticmethod
    @contextmanager
    def scope(limits: RunLimits, tokens: Tokens | None = None) -> Iterator[RunUsage]:
        """Hold everything in the block to `limits`, beside those that hold around it."""
        usage = RunUsage(limits, tokens)
        with RunContext.scope(budgets=(*RunContext.current().budgets, usage)):
            yield usage

    @staticmethod
    def take_model_call() -> None:
        """Count one model call.

        Raises:
            BudgetExceeded: No call or no tokens are left; nothing was counted.
        """
        budgets = RunContext.current().budgets
        for it in budgets:
            it.check("model calls", it.model_calls, it.limits.model_calls)
            if it.tokens and it.limits.tokens is not None:
                spent = it.tokens.input_tokens + it.tokens.output_tokens
                it.check("tokens", spent, it.limits.tokens)
        for it in budgets:
            it.model_calls += 1

    @staticmethod
    def take_tool_call() -> None:
        """Count one tool call.

        Raises:
            BudgetExceeded: None is left; nothing was counted.
        """
        budgets = RunContext.current().budgets
        for it in budgets:
            it.check("tool calls", it.tool_calls, it.limits.tool_calls)
        for it in budgets:
            it.tool_calls += 1
