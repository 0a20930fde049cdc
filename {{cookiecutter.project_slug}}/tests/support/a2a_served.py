"""`python -m tests.support.a2a_served` is `python -m app serve`, with an agent whose tool waits for the file `go`."""

import asyncio
import sys
from pathlib import Path

import app.agents
from harness.cli import main
from harness.runtime.agent import ToolResult
from tests.support.agents import MoonsAgent
from tests.support.writing_agent import OrdersAgent


class GatedAgent(MoonsAgent):
    """Writes down when its tool begins, and when it is cancelled."""

    async def look_up(self, name: str) -> ToolResult:
        """The number of moons, once it may."""
        self._write_down("begun")
        try:
            while not self._may_go():  # noqa: ASYNC110  # another process makes the file
                await asyncio.sleep(0.02)
        except asyncio.CancelledError:
            self._write_down("cancelled")
            raise
        return await super().look_up(name)

    @staticmethod
    def _may_go() -> bool:
        return Path("go").exists()

    @staticmethod
    def _write_down(name: str) -> None:
        with Path(name).open("a", encoding="utf-8") as file:
            file.write("1\n")


if __name__ == "__main__":
    setattr(app.agents, "AGENTS", (GatedAgent, OrdersAgent))  # noqa: B010 - it is final to everyone else
    sys.exit(main(["serve"]))
