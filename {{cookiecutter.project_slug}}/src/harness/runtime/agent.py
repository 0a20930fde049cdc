"""What an agent is: the contract between this service and the agents you write.

The service promises: an agent is built once at start; its tools run only inside its own policy;
the model it is given is already configured, limited and logged; its failures become an answer
that names what is missing; a tool that its policy marks as writing runs when a person has approved the
call, once, with the arguments that were shown.

An agent owes: a description, a prompt, tools and the policy that names them. All else has a default.
"""

from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from typing import Any, ClassVar, Generic, cast, final, get_args

import structlog
from langchain_core.tools import BaseTool
from typing_extensions import TypeVar

from ..errors import ApprovalNeeded, ConfigurationError
from ..guards.injection_guard import InjectionGuard, ToolResults
from ..guards.output import GroundingLevel
from ..guards.tool_policy import Approval, ToolPolicy
from ..prompts.language import Language, Text
from ..run_context import RunContext
from ..settings import Configuration
from ..sources.mcp.server import MCPServer
from ..sources.policy import Policy
from ..sources.resources import AgentResources, FakeSource, SourceConnections
from .agent_defaults import AgentWords, AnswerWithoutModel, Derived
from .agent_tools import AgentTools, Tool
from .keywords import Keywords
from .mcp_tools import MCPTools
from .tool_result import Source, ToolCall, ToolResult

__all__ = ["Agent", "Source", "ToolCall", "ToolMethod", "ToolResult"]

log = structlog.stdlib.get_logger(__name__)

SettingsT = TypeVar("SettingsT", bound=Configuration, default=Configuration)

ToolMethod = Callable[..., Any]
"""A tool that is a method."""

Given = Tool | MCPServer
"""What an agent may list: a tool, or a server that has tools."""


class Agent(Generic[SettingsT]):
    """One agent. Put a subclass into `agents/<name>.py`, or `agents/<name>/agent.py`; it is found there."""

    name: ClassVar[str] = Derived.by(AgentWords.name)
    """Lower-case identifier, in `/v1/agents`, logs and answers: that of its file or folder."""

    description: ClassVar[Any]
    """One sentence, or one per language: the planner chooses by it, people read it. Read per language."""

    prompt: ClassVar[Any]
    """Its system prompt: a text, one per language, or a `Prompt`. Read as a `Prompt`."""

    keywords: ClassVar[Any] = Derived.by(AgentWords.keywords)
    """Words that send a question here when rules plan, parted by commas; accents, case and endings do not
    matter. By default the telling words of its name and description. Read per language."""

    examples: ClassVar[Any] = AgentWords.questions(())
    """Questions that this agent answers: the tests ask them, `app agents` shows them. Read per language."""

    policy: "ClassVar[Policy | Any]" = Policy()
    """Which tools may run and what they may reach: a `Policy`, or a method that reads one off
    `self.settings`. Nothing is allowed by default."""

    tools: ClassVar[Sequence[Given]] = ()
    """Functions, tools of LangChain and MCP servers that it has beside its own methods, under the same policy."""

    grounding: ClassVar[GroundingLevel] = "facts"
    """What an answer must rest on. `facts`: every figure and name is in what tools found in this run.
    `sources`: a tool found something with its source, figures are checked. `open`: the model's word."""

    HISTORY_TURNS: ClassVar = 3
    """Enough for "and for two people?" and for "the first one"; a guess."""

    history_turns: ClassVar[int] = HISTORY_TURNS
    """Turns of the conversation before the question that its model reads."""

    settings_class: type[SettingsT] = cast("type[SettingsT]", Configuration)
    """Its own settings, those of `Agent[BillingSettings]`; read once into `self.settings`."""

    fake_source: ClassVar[FakeSource | None] = None
    """Answers its data sources' requests when USE_FAKE_DATA is on."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Read short forms: one text for all languages, a text as a prompt."""
        super().__init_subclass__(**kwargs)
        own = vars(cls)
        if "description" in own:
            cls.description = AgentWords.texts(cls, "description", own["description"])
        if "keywords" in own:
            cls.keywords = AgentWords.phrases(own["keywords"])
        if "examples" in own:
            cls.examples = AgentWords.questions(own["examples"])
        if "prompt" in own:
            cls.prompt = AgentWords.prompt(cls, own["prompt"])
        for base in own.get("__orig_bases__", ()):
            match get_args(base):
                case [type() as settings] if "settings_class" not in own:
                    cls.settings_class = settings

    @final
    def __init__(self, connectors: SourceConnections, guard: InjectionGuard | None = None) -> None:
        """Build the agent inside its policy. Without `guard`, its rules look through the results.

        Raises:
            ConfigurationError: The policy names a tool that there is not, or none at all.
        """
        self.settings = self.settings_class()
        self.granted: Policy = self.policy if isinstance(self.policy, Policy) else self.policy()
        """The policy in force."""
        self.resources: AgentResources = connectors.for_policy(self.granted, self.fake_source)
        given = MCPTools(self.granted, lambda: connectors, self.fake_source)
        self.bare_tools: Sequence[Tool] = given.expanded(self.tool_methods())
        """Its tools, outside of its policy."""
        names = [AgentTools.name(tool) for tool in self.bare_tools]
        self._check(names)
        self.rights = ToolPolicy(self.name, self.granted, names)
        guarded = AgentTools(self.rights, ToolResults(guard or InjectionGuard()), AgentWords.place(type(self)))
        self.toolset: Sequence[BaseTool] = tuple(map(guarded.guarded, self.bare_tools))
        """Its tools, inside its policy."""

    @staticmethod
    def from_graph(
        graph: Any,
        *,
        name: str,
        description: str | Text,
        input: Any = None,  # noqa: A002 - as OwnGraph
        output: Any = None,
        evidence: Sequence[str] = (),
        writers: Collection[str] = (),
        has_memory: bool | None = None,
        grounding: GroundingLevel = "facts",
    ) -> "type[Agent[Any]]":
        """An agent that answers by a compiled LangGraph, whatever it is made of; the arguments as in `OwnGraph`."""
        from .graph_agent import GraphAgent  # noqa: PLC0415 - it derives from this class
        from .graph_ports import GraphPorts  # noqa: PLC0415

        ports = GraphPorts(input, output, evidence, writers, has_memory)
        return GraphAgent.of(graph, name=name, description=description, ports=ports, grounding=grounding)

    def tool_methods(self) -> Sequence[Given]:
        """Its tools: the methods that its policy names, then `tools`. Override it for tools of other objects.

        Runs once, after `self.settings` and `self.resources` are set.
        """
        granted = self.granted.tools | self.granted.requires_approval
        return [*(getattr(self, name) for name in self._own_methods() if name in granted), *self.tools]

    def plan_without_model(self, question: str, language: Language) -> Sequence[ToolCall]:
        """The tool calls that answer `question`, read by rules: by default one tool, asked with the question.

        Raises:
            ClarificationNeeded: Something is missing, such as the place for a forecast.
        """
        is_open = self.grounding == "open"
        about = self.description[language]
        return AnswerWithoutModel.plan(self.toolset, self.rights, question, about, language, is_open=is_open)

    def render(self, findings: Sequence[ToolResult], language: Language) -> str:
        """The findings of `plan_without_model`, in the same order, as one answer in `language`.

        Also the finding of an approved call by itself, and those of the other calls without it.
        By default the facts as a list, with their sources.
        """
        return AnswerWithoutModel.render(findings, language)

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

    @cached_property
    def words(self) -> Keywords:
        """Its keywords; `self.words.focus(question)` is the part of a question that is about them."""
        return Keywords(self.keywords)

    @property
    def approval_id(self) -> str:
        """Inside of a tool that writes: the id of this one call, an idempotency key for its source."""
        approval = RunContext.current().approval
        return approval.id if approval else ""

    async def _run(self, call: ToolCall) -> ToolResult:
        tools = {tool.name: tool for tool in self.toolset}
        message = await tools[call.tool].ainvoke(
            {"type": "tool_call", "id": call.tool, "name": call.tool, "args": call.arguments}
        )
        finding: ToolResult = message.artifact
        return finding

    @classmethod
    def _own_methods(cls) -> Sequence[str]:
        """What may be a tool: public methods that are not the contract's, in the order in which they stand."""
        classes = [it for it in reversed(cls.__mro__) if issubclass(it, Agent) and it is not Agent]
        names = dict.fromkeys(name for it in classes for name, value in vars(it).items() if callable(value))
        return [name for name in names if not name.startswith("_") and not hasattr(Agent, name)]

    @classmethod
    def check_grounding(cls) -> None:
        """Pass a level that there is; raises ConfigurationError."""
        if cls.grounding not in get_args(GroundingLevel):
            problem = f"grounding is {cls.grounding!r}; write one of {', '.join(get_args(GroundingLevel))}"
            raise ConfigurationError([f"{AgentWords.place(cls)}: {problem}"])

    def _check(self, names: Sequence[str]) -> None:
        """Refuse a policy that names what is no tool, or nothing: it was meant otherwise."""
        self.check_grounding()
        granted = self.granted.tools | self.granted.requires_approval
        if granted <= set(names) and (granted or self.grounding == "open"):
            return
        there = list(dict.fromkeys([*names, *self._own_methods()]))
        named = ", ".join(sorted(granted)) or "none"
        remedy = "say which may run: policy = Policy(tools={" + ", ".join(f'"{name}"' for name in there) + "}, ...)"
        if not there:
            remedy = 'give it tools: methods, or `tools = [...]`; or let it answer without: grounding = "open"'
        problem = f"its tools are {', '.join(there) or 'none'}, its policy names {named}; {remedy}"
        raise ConfigurationError([f"{AgentWords.place(type(self))}: {problem}"])
