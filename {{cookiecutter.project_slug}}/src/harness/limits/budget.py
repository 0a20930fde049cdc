"""What one run may use: model calls, tool calls and tokens, asked for before they are spent."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

from ..errors import BudgetExceeded


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
    """What was taken under one set of caps so far."""

    caps: RunLimits
    tokens: Tokens | None
    model_calls: int = 0
    tool_calls: int = 0

    def check_model_call(self) -> None:
        """Raise BudgetExceeded when no further one may be made."""
        self._check("model calls", self.model_calls, self.caps.model_calls)
        if self.tokens and self.caps.tokens is not None:
            spent = self.tokens.input_tokens + self.tokens.output_tokens
            self._check("tokens", spent, self.caps.tokens)

    def check_tool_call(self) -> None:
        """Raise BudgetExceeded when no further one may be made."""
        self._check("tool calls", self.tool_calls, self.caps.tool_calls)

    def _check(self, what: str, used: int, limit: int) -> None:
        if used >= limit:
            setting = f"{self.caps.owner}_MAX_{what.replace(' ', '_').upper()}"
            raise BudgetExceeded(what, limit, setting)


class Budget:
    """Counts what is used inside its blocks, over all tasks that they start.

    An agent's block lies inside the run's: what it takes is taken from both. Whoever is about to
    spend asks first, so that a limit of 5 lets 5 calls through, side by side or not. Outside of a
    block nothing is counted.
    """

    _CURRENT: ClassVar[ContextVar[tuple[RunUsage, ...]]] = ContextVar("budget", default=())

    @classmethod
    @contextmanager
    def scope(cls, caps: RunLimits, tokens: Tokens | None = None) -> Iterator[RunUsage]:
        """Hold everything in the block to `caps`, beside what holds around it."""
        used = RunUsage(caps, tokens)
        before = cls._CURRENT.set((*cls._CURRENT.get(), used))
        try:
            yield used
        finally:
            cls._CURRENT.reset(before)

    @classmethod
    def take_model_call(cls) -> None:
        """Take one model call from every budget that holds here.

        Raises:
            BudgetExceeded: One of them has none left, or no tokens; nothing was taken.
        """
        budgets = cls._CURRENT.get()
        for used in budgets:
            used.check_model_call()
        for used in budgets:
            used.model_calls += 1

    @classmethod
    def take_tool_call(cls) -> None:
        """Take one tool call from every budget that holds here.

        Raises:
            BudgetExceeded: One of them has none left; nothing was taken.
        """
        budgets = cls._CURRENT.get()
        for used in budgets:
            used.check_tool_call()
        for used in budgets:
            used.tool_calls += 1
