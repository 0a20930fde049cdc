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

    def check_model_call(self) -> None:
        """Raise BudgetExceeded when no further one may be made."""
        self._check("model calls", self.model_calls, self.limits.model_calls)
        if self.tokens and self.limits.tokens is not None:
            spent = self.tokens.input_tokens + self.tokens.output_tokens
            self._check("tokens", spent, self.limits.tokens)

    def check_tool_call(self) -> None:
        """Raise BudgetExceeded when no further one may be made."""
        self._check("tool calls", self.tool_calls, self.limits.tool_calls)

    def _check(self, what: str, used: int, limit: int) -> None:
        if used >= limit:
            setting = f"{self.limits.owner}_MAX_{what.replace(' ', '_').upper()}"
            raise BudgetExceeded(what, limit, setting)


class Budget:
    """Counts the model and tool calls of a run, over all of its tasks, before they are made.

    An agent's budget lies inside the run's: a call counts in both. A limit of 5 lets 5 calls
    through, side by side or not. Outside of a run nothing is counted.
    """

    @classmethod
    @contextmanager
    def scope(cls, limits: RunLimits, tokens: Tokens | None = None) -> Iterator[RunUsage]:
        """Hold everything in the block to `limits`, beside those that hold around it."""
        usage = RunUsage(limits, tokens)
        with RunContext.scope(budgets=(*RunContext.current().budgets, usage)):
            yield usage

    @classmethod
    def take_model_call(cls) -> None:
        """Count one model call.

        Raises:
            BudgetExceeded: No call or no tokens are left; nothing was counted.
        """
        budgets = RunContext.current().budgets
        for budget in budgets:
            budget.check_model_call()
        for budget in budgets:
            budget.model_calls += 1

    @classmethod
    def take_tool_call(cls) -> None:
        """Count one tool call.

        Raises:
            BudgetExceeded: None is left; nothing was counted.
        """
        budgets = RunContext.current().budgets
        for budget in budgets:
            budget.check_tool_call()
        for budget in budgets:
            budget.tool_calls += 1
