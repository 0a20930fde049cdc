"""A model factory whose models say what a test tells them."""

from collections.abc import Callable, Sequence

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage

from harness.guards.leaks import Leaks
from harness.guards.output import OutputPolicy
from harness.models.factory import LLMFactory
from harness.models.model_config import Role
from harness.models.resilient_model import ResilientModel
from harness.models.rule_based import RuleBasedModel, ScriptedReply
from harness.settings import Settings
from harness.telemetry.redaction import Redactor

Say = Callable[[Sequence[BaseMessage], Sequence[str]], AIMessage]

NO_LEAKS = OutputPolicy(Leaks([], Redactor()))
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

    def for_role(self, role: Role, script: ScriptedReply) -> BaseChatModel:
        if role in self._scripts:
            script = Saying(self._scripts[role])
        return self._failover(role, [ResilientModel(self._embedded, RuleBasedModel(script=script))])
