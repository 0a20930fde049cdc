"""`python -m tests.harness.endpoints.mcp.served ARGUMENTS` is `python -m app ARGUMENTS`, with an agent that never ends."""

import asyncio
import sys
from pathlib import Path

import app.agents
from harness.cli import main
from harness.prompts.messages import LocalizedMessage
from harness.runtime.agent import ToolResult
from tests.support import served
from tests.support.agents import TableAgent


class WaitingAgent(TableAgent):
    """Writes down what becomes of its tool."""

    name = "waiting"
    description = {"en": "Waits.", "es": "Espera."}
    keywords = {"en": ("wait",), "es": ("espera",)}
    examples = {"en": ("Wait for it", "Wait"), "es": ("Espera", "Espera un poco")}
    table = {"wait": 1}
    answer = LocalizedMessage(en="$name is over.", es="$name ha terminado.")
    detail = LocalizedMessage(en="Wait?", es="¿Espera?")

    async def look_up(self, name: str) -> ToolResult:
        """Wait."""
        self._write_down("begun")
        try:
            await asyncio.Event().wait()
        finally:
            self._write_down("stopped")
        return await super().look_up(name)

    @staticmethod
    def _write_down(what: str) -> None:
        with Path("waits").open("a", encoding="utf-8") as file:
            file.write(f"{what}\n")


AGENTS = (*served.AGENTS, WaitingAgent)

if __name__ == "__main__":
    setattr(app.agents, "AGENTS", AGENTS)  # noqa: B010 - it is final to everyone else
    sys.exit(main(sys.argv[1:]))
