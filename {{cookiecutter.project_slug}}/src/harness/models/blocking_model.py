"""A model for a library that asks from threads of its own and waits; the factory's are asked with `await`."""

from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult


class BlockingModel(BaseChatModel):
    """Passes messages on. What the library adds, such as a temperature, ends here: settings say what is sent."""

    ask: Callable[[Sequence[BaseMessage]], str]

    @property
    def _llm_type(self) -> str:
        return "blocking"

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage(self.ask(messages)))])
