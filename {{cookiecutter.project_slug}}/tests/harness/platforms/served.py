"""`python -m tests.harness.platforms.served` is `python -m app serve`, with one agent more, which writes."""

import asyncio
import sys

import structlog

import app.agents
from harness.cli import main
from harness.runtime.agent import ToolResult
from tests.support.writing_agent import OrdersAgent


class LoggedOrdersAgent(OrdersAgent):
    """Logs each order that it begins to cancel; one of them it never finds."""

    ENDLESS = 13

    async def look_up(self, number: int) -> ToolResult:
        """The state of an order."""
        if number == self.ENDLESS:
            await asyncio.Event().wait()
        return self._found(number, "open")

    async def cancel(self, number: int, reason: str = "none") -> ToolResult:
        """Cancel an order."""
        structlog.get_logger(__name__).info("order_cancelled", number=number)
        return self._found(number, "cancelled")


setattr(app.agents, "AGENTS", (LoggedOrdersAgent, *app.agents.AGENTS))  # noqa: B010  # it is final to everyone else

if __name__ == "__main__":
    sys.exit(main(["serve"]))
