"""`python -m tests.e2e.served` is `python -m app serve`, with the agents of the tests.

A program of its own, so that the end-to-end test drives the real command in a real process and
yet depends on none of the agents that you keep or delete.
"""

import asyncio
import os
import sys
from pathlib import Path

import app.agents
from harness.cli import main
from harness.runtime.agent import ToolResult
from tests.support import clock
from tests.support.agents import TEST_AGENTS
from tests.support.writing_agent import OrdersAgent


class SlowOrdersAgent(OrdersAgent):
    """Writes down each order that it begins to cancel; one of them it never ends."""

    ENDLESS = 13

    async def cancel(self, number: int, reason: str = "none") -> ToolResult:
        """Cancel an order."""
        self._write_down(number)
        if number == self.ENDLESS:
            await asyncio.Event().wait()
        return self._found(number, "cancelled")

    @staticmethod
    def _write_down(number: int) -> None:
        with Path("cancelled").open("a", encoding="utf-8") as file:
            file.write(f"{number}\n")


AGENTS = (*TEST_AGENTS, SlowOrdersAgent)

if __name__ == "__main__":
    clock.set_back(float(os.environ.get(clock.VARIABLE, "0")))
    setattr(app.agents, "AGENTS", AGENTS)  # noqa: B010 - it is final to everyone else
    sys.exit(main(["serve"]))
