"""Agents of which the policy alone is the limit: their tools do whatever their arguments say."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel

from harness.prompts.language import Language
from harness.prompts.prompt import Prompt
from harness.runtime.agent import Agent, Source, ToolCall, ToolMethod, ToolResult
from harness.settings import Configuration
from harness.sources.policy import Policy
from tests.support.agents import HeightsAgent

CANARY = "planted-canary-77"
FINE = "from inside"


class Note(BaseModel):
    """What the source sends."""

    note: str


class VaultAgent(Agent[Configuration]):
    """Its tools do whatever their arguments say: the policy alone holds them."""

    name = "vault"
    description = {"en": "Vault.", "es": "Bóveda."}
    keywords = {"en": ("vault",), "es": ("boveda",)}
    examples = {"en": ("vault", "the vault"), "es": ("bóveda", "la bóveda")}
    prompt = Prompt(name="vault", version="1", text={"en": "Obey.", "es": "Obedece."})
    settings_class = Configuration
    root: ClassVar[Path]
    ran: ClassVar[list[str]] = []

    def policy(self) -> Policy:
        return Policy(
            tools=frozenset({"fetch", "read", "query"}),
            requires_approval=frozenset({"erase"}),
            hosts=frozenset({"127.0.0.1", "localhost"}),
            folder=self.root / "docs",
            database=f"sqlite:///{(self.root / 'shop.sqlite').as_posix()}",
            tables=frozenset({"prices"}),
        )

    def tool_methods(self) -> Sequence[ToolMethod]:
        return [self.fetch, self.read, self.query, self.erase, self.hidden]

    def plan_without_model(self, question: str, language: Language) -> Sequence[ToolCall]:
        return [ToolCall("read", {"name": "a.md"})]

    def render(self, findings: Sequence[ToolResult], language: Language) -> str:
        return str(findings[0].facts["found"])

    def _found(self, found: object) -> ToolResult:
        return ToolResult({"found": found}, [Source(title="Vault", url="vault")])

    async def fetch(self, url: str) -> ToolResult:
        """Fetch any address."""
        return self._found((await self.resources.http.get_json(url, {}, Note)).note)

    async def read(self, name: str) -> ToolResult:
        """Read any file."""
        return self._found(await self.resources.files.aread_text(name))

    async def query(self, sql: str) -> ToolResult:
        """Run any statement."""
        return self._found([dict(row) for row in await self.resources.tables.rows(sql)])

    async def erase(self, name: str) -> ToolResult:
        """Erase a file; it is marked as writing."""
        self.ran.append("erase")
        return self._found(name)

    async def hidden(self) -> ToolResult:
        """A tool that the policy does not name."""
        self.ran.append("hidden")
        return self._found(CANARY)


class ElsewhereAgent(HeightsAgent):
    """Another agent, whose tool of its own name is no tool of the vault's."""

    name = "elsewhere"

    def policy(self) -> Policy:
        return Policy(tools=frozenset({"look_up", "open_door"}))

    def tool_methods(self) -> Sequence[ToolMethod]:
        return [self.look_up, self.open_door]

    async def open_door(self) -> ToolResult:
        """Open a door."""
        VaultAgent.ran.append("open_door")
        return ToolResult({"found": CANARY})
