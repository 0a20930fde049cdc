"""A model factory whose models say what a test tells them."""

from collections.abc import Callable, Sequence

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage

from app.guardrails.leaks import Leaks
from app.guardrails.outbound import Outgoing
from app.llm.choices import Role
from app.llm.embedded import EmbeddedModel, Script
from app.llm.factory import LLMFactory
from app.observability.redaction import Redactor
from app.settings import Settings

Say = Callable[[Sequence[BaseMessage], Sequence[str]], AIMessage]

NO_LEAKS = Outgoing(Leaks([], Redactor()))
"""For agents whose prompts no test tells."""


class Saying:
    """A script made of one function, or of a fixed text."""

    def __init__(self, say: Say | str) -> None:
        self._say = say

    def respond(self, messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        return AIMessage(self._say) if isinstance(self._say, str) else self._say(messages, bound)


class ScriptedFactory(LLMFactory):
    """Gives the roles that a test names its own script, the others the embedded one."""

    def __init__(self, settings: Settings, **scripts: Say | str) -> None:
        super().__init__(settings)
        self._scripts = scripts

    def for_role(self, role: Role, script: Script) -> BaseChatModel:
        if role in self._scripts:
            script = Saying(self._scripts[role])
        return EmbeddedModel(script=script)
