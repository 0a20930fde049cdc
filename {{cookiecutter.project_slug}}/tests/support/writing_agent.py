"""An agent that changes something: it cancels orders, and remembers which of its calls have run."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar

from harness.errors import ClarificationNeeded
from harness.prompts.language import Language, Words
from harness.prompts.messages import LocalizedMessage
from harness.prompts.prompt import Prompt
from harness.runtime.agent import Agent, Source, ToolCall, ToolMethod, ToolResult
from harness.settings import Configuration
from harness.sources.policy import Policy


class OrdersAgent(Agent[Configuration]):
    """`look_up` reads, `cancel` writes."""

    name = "orders"
    description = {"en": "Orders.", "es": "Pedidos."}
    keywords = {"en": ("order",), "es": ("pedido",)}
    examples = {"en": ("State of order 7", "Cancel order 7"), "es": ("Estado del pedido 7", "Cancela el pedido 7")}
    prompt = Prompt(name="orders", version="1", text={"en": "Do it.", "es": "Hazlo."})
    settings_class = Configuration
    told_state = LocalizedMessage(en="Order $order is $state.", es="El pedido $order está $state.")

    ran: ClassVar[list[tuple[int, str, str]]] = []
    """Number, reason and approval of each call of `cancel` that has begun."""

    meanwhile: ClassVar[Callable[[], Awaitable[Any]] | None] = None
    """What happens to it while it runs."""

    def policy(self) -> Policy:
        return Policy(tools=frozenset({"look_up"}), requires_approval=frozenset({"cancel"}))

    def tool_methods(self) -> Sequence[ToolMethod]:
        return [self.look_up, self.cancel]

    def plan_without_model(self, question: str, language: Language) -> Sequence[ToolCall]:
        words = Words.tokenize(question)
        numbers = [int(word) for word in words if word.isdecimal()]
        is_read = not {"state", "estado"}.isdisjoint(words)
        reads = [ToolCall("look_up", {"number": it}) for it in numbers[:1] if is_read]
        cancels = any(word.startswith("cancel") for word in words)
        if calls := [*reads, *(ToolCall("cancel", {"number": it}) for it in numbers if cancels)]:
            return calls
        raise ClarificationNeeded("Which order?")

    def render(self, findings: Sequence[ToolResult], language: Language) -> str:
        return " ".join(self.told_state.format(language, **finding.facts) for finding in findings)

    async def look_up(self, number: int) -> ToolResult:
        """The state of an order."""
        return self._found(number, "open")

    async def cancel(self, number: int, reason: str = "none") -> ToolResult:
        """Cancel an order."""
        self.ran.append((number, reason, self.approval_id))
        if meanwhile := type(self).meanwhile:
            await meanwhile()
        return self._found(number, "cancelled")

    @staticmethod
    def _found(number: int, state: str) -> ToolResult:
        return ToolResult({"order": number, "state": state}, [Source(title="Shop", url="shop")])
