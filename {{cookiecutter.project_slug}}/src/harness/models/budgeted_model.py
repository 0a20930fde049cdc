"""An agent's model within the run's limits: every call takes from the budget of model calls."""

from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatResult
from langchain_core.runnables import Runnable, RunnableConfig

from ..errors import BudgetExceeded
from ..limits.budget import RunLimits


class BudgetedModel(BaseChatModel):
    """The model that an agent's loop calls, its tools bound once.

    LangChain's call limits do the same as nodes of the graph, three supersteps more for each
    call, and do not see what the other agents of the run use. As a `wrap_model_call` hook it
    would cost 0.5 ms a call (langchain 1.4 traces each hook, also when tracing is off).
    """

    model: Any
    """A chat model, or one with tools bound to it."""

    caps: RunLimits

    tools: frozenset[str] | None = None
    """The agent's tools; None: every name may be called."""

    no_tool: str = ""
    """The tool that any other name becomes, as `tools` are bound: the loop would answer such a
    call itself, unheard."""

    @property
    def _llm_type(self) -> str:
        return "bounded"

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> AIMessage:  # noqa: A002
        """The model's answer.

        Raises:
            BudgetExceeded: No model call is left, or the answer calls more tools at once than the
                agent may in all: 500 refusals, one by one, would cost seconds.
        """
        answer: AIMessage = await self.model.ainvoke(input, config, **kwargs)
        if len(answer.tool_calls) > self.caps.tool_calls:
            raise BudgetExceeded("tool calls", self.caps.tool_calls, "AGENT_MAX_TOOL_CALLS")
        names = self.tools
        if names is None or names.issuperset(call["name"] for call in answer.tool_calls):
            return answer
        calls = [call if call["name"] in names else {**call, "name": self.no_tool} for call in answer.tool_calls]
        return answer.model_copy(update={"tool_calls": calls})

    def bind_tools(self, tools: Any, **kwargs: Any) -> Runnable[Any, AIMessage]:
        """Itself: `create_agent` binds for each call anew, the same tools each time."""
        return self

    def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
        raise NotImplementedError("ask it with `await`: ainvoke")
