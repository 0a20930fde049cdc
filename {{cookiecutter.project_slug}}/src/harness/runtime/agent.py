"""What an agent is: the contract between this service and the agents you write.

The service promises: an agent is built once at start; its tools run only inside its own policy;
the model it is given is already configured, limited and logged; its failures become an answer
that names what is missing; a tool that its policy marks as writing runs when a person has approved the
call, once, with the arguments that were shown.

An agent owes: a name, words to be found by, tools that return a `ToolResult`, and the two
deterministic halves of an answer without a model, `plan_without_model` and `render`.
"""

import importlib
import importlib.util
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, ClassVar, Final, Generic, TypedDict, TypeVar, final

import orjson
import structlog
from langchain_core.tools import BaseTool, StructuredTool

from ..errors import ApprovalNeeded, ConfigurationError
from ..guards.injection_guard import InjectionGuard, ToolResults
from ..guards.tool_policy import Approval, ToolPolicy
from ..prompts.language import Language, Text
from ..prompts.prompt import Prompt
from ..run_context import RunContext
from ..settings import Configuration
from ..sources.policy import Policy
from ..sources.resources import AgentResources, FakeSource, SourceConnections

log = structlog.stdlib.get_logger(__name__)

SettingsT = TypeVar("SettingsT", bound=Configuration)

ToolMethod = Callable[..., Awaitable["ToolResult"]]


class Source(TypedDict):
    """Where a fact comes from, as the answer shows it."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What one tool call brought back: the facts that an answer may state, and their source."""

    facts: Mapping[str, Any]
    """JSON values. A model reads them; the audit holds every figure of the answer against them."""

    sources: Sequence[Source] = ()


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One tool call: the tool's name and its arguments."""

    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


class Agent(ABC, Generic[SettingsT]):
    """One agent. Put a subclass in `agents/<name>/agent.py`; it is found there."""

    name: ClassVar[str]
    """Lower-case identifier, the same as its folder: in `/v1/agents`, logs and answers."""

    description: ClassVar[Text]
    """One sentence per language: the planner chooses by it, people read it."""

    keywords: ClassVar[Mapping[Language, tuple[str, ...]]]
    """Words that send a question here when rules plan. Accents, case and endings do not matter."""

    examples: ClassVar[Mapping[Language, tuple[str, ...]]]
    """Questions that this agent answers, at least two per language; the tests ask them."""

    prompt: ClassVar[Prompt]
    """Its system prompt."""

    settings_class: type[SettingsT]
    """Its own settings, `Configuration` when it has none; read once into `self.settings`."""

    fake_source: ClassVar[FakeSource | None] = None
    """Answers its data sources' requests when USE_FAKE_DATA is on."""

    @final
    def __init__(self, connectors: SourceConnections, guard: InjectionGuard | None = None) -> None:
        """Build the agent inside its policy. Without `guard`, its rules look through the results.

        Raises:
            ConfigurationError: The policy names a tool that there is not, or none at all.
        """
        self.settings = self.settings_class()
        policy = self.policy()
        self.resources: AgentResources = connectors.for_policy(policy, self.fake_source)
        built = self.tool_methods()
        names = [method.__name__ for method in built]
        granted = policy.tools | policy.requires_approval
        if not granted or not granted <= set(names):
            named = ", ".join(sorted(granted)) or "none"
            all_of_them = ", ".join(f'"{name}"' for name in names)
            remedy = f"say in policy() which may run: Policy(tools=frozenset([{all_of_them}]), ...)"
            problem = f"its tools are {', '.join(names)}, its policy names {named}; {remedy}"
            raise ConfigurationError([f"agents/{self.name}/agent.py: {problem}"])
        self.rights = ToolPolicy(self.name, policy, names)
        self._results = ToolResults(guard or InjectionGuard())
        self.tools: Sequence[BaseTool] = tuple(map(self._as_tool, built))

    def policy(self) -> Policy:
        """Which tools may run and what they may reach, usually read off `self.settings`.

        An agent without one does not start: nothing is allowed by default.
        """
        return Policy()

    @abstractmethod
    def tool_methods(self) -> Sequence[ToolMethod]:
        """Its tools: async methods with typed arguments and a docstring written for a model.

        Runs once, after `self.settings` and `self.resources` are set.
        """

    @abstractmethod
    def plan_without_model(self, question: str, language: Language) -> Sequence[ToolCall]:
        """The tool calls that answer `question`, read by rules.

        Raises:
            ClarificationNeeded: Something is missing, such as the place for a forecast.
        """

    @abstractmethod
    def render(self, findings: Sequence[ToolResult], language: Language) -> str:
        """The findings of `plan_without_model`, in the same order, as one answer in `language`.

        Also the finding of an approved call by itself, and those of the other calls without it.
        """

    @final
    async def answer_without_model(self, question: str, language: Language) -> tuple[str, list[ToolResult]]:
        """An answer with no model: `plan_without_model`, the tools, `render`.

        Used by DISABLE_LLM and whenever the model fails. Raises what `plan_without_model` and the
        tools raise, and ValueError where `render` returns no text.
        """
        findings, is_complete = [], True
        for call in self.plan_without_model(question, language):
            try:
                findings.append(await self._run(call))
            except ApprovalNeeded:  # the others run meanwhile
                is_complete = False
        if not is_complete:
            raise ApprovalNeeded(findings)
        text = self.render(findings, language)
        if not text.strip():
            raise ValueError(
                "`render` said nothing: `plan_without_model` raises ClarificationNeeded for what it cannot read"
            )
        return text, findings

    @final
    async def perform(self, approval: Approval) -> ToolResult:
        """The result of the approved call. Raises what its tool raises."""
        with RunContext.scope(approval=approval):
            return await self._run(ToolCall(approval.call.tool, approval.call.arguments))

    @final
    def render_partial(self, findings: Sequence[ToolResult], language: Language) -> str:
        """`render` on a part of the results of `plan_without_model`; "" where it raises."""
        try:
            return self.render(findings, language) if findings else ""
        except Exception:
            log.exception("untold", agent=self.name)
            return ""

    @property
    def approval_id(self) -> str:
        """Inside of a tool that writes: the id of this one call, an idempotency key for its source."""
        approval = RunContext.current().approval
        return approval.id if approval else ""

    async def _run(self, call: ToolCall) -> ToolResult:
        tools = {tool.name: tool for tool in self.tools}
        message = await tools[call.tool].ainvoke(
            {"type": "tool_call", "id": call.tool, "name": call.tool, "args": call.arguments}
        )
        finding: ToolResult = message.artifact
        return finding

    def _as_tool(self, method: ToolMethod) -> BaseTool:
        @wraps(method)
        async def run(**arguments: Any) -> tuple[str, ToolResult]:
            with self.rights.authorize(method.__name__, arguments):
                finding = await self._sanitized(await method(**arguments))
            facts = orjson.dumps(finding.facts).decode()
            return Prompt.fence("tool_result", facts), finding

        return StructuredTool.from_function(coroutine=run, name=method.__name__, response_format="content_and_artifact")

    async def _sanitized(self, finding: ToolResult) -> ToolResult:
        """The result as a model and `render` may read it: texts that read like instructions are taken out."""
        raw = (finding.facts, [(source["title"], source["url"]) for source in finding.sources])
        sanitized = await self._results.sanitize(raw)
        if sanitized is raw:
            return finding
        facts, sources = sanitized
        return ToolResult(facts, [Source(title=title, url=url) for title, url in sources])


class Registry:
    """Finds the agents of a package, and names what is wrong with a folder."""

    REQUIRED: Final = ("description", "keywords", "examples", "prompt", "settings_class")

    def __init__(self, package: str, paths: Sequence[str]) -> None:
        """Look into the folders of `package` in `paths`, its `__path__`."""
        self._package = package
        self._paths = paths

    def find(self) -> tuple[type[Agent[Any]], ...]:
        """The agents, sorted by name.

        Raises:
            ConfigurationError: An agent's folder does not fulfil the contract.
        """
        agents = []
        for folder in self._folders():
            module = importlib.import_module(f"{self._package}.{folder}.agent")
            classes = [
                value
                for value in vars(module).values()
                if isinstance(value, type) and issubclass(value, Agent) and value.__module__ == module.__name__
            ]
            if problem := self._problem(folder, classes):
                raise ConfigurationError([f"agents/{folder}/agent.py: {problem}"])
            agents += classes
        return tuple(agents)

    def _folders(self) -> Iterator[str]:
        """Sub-packages with an agent; other folders may hold what agents share."""
        for module in sorted(pkgutil.iter_modules(self._paths), key=lambda module: module.name):
            name = f"{self._package}.{module.name}"
            if module.ispkg and importlib.util.find_spec(f"{name}.agent"):
                yield module.name

    def _problem(self, folder: str, classes: Sequence[type[Agent[Any]]]) -> str:
        """What is wrong; empty when nothing is."""
        if len(classes) != 1:
            names = ", ".join(agent.__name__ for agent in classes) or "none"
            return f"one class derived from Agent is expected, found: {names}"
        agent = classes[0]
        name = getattr(agent, "name", None)
        if name != folder:
            return f"{agent.__name__}.name is {name!r}, it must be {folder!r} like its folder"
        missing = [field for field in self.REQUIRED if not hasattr(agent, field)]
        return f"{agent.__name__} lacks {', '.join(missing)}" if missing else ""
