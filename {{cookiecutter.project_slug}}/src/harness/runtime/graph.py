"""The graph of one run, compiled once at start, and its first node, which checks the message."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any

import structlog
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, Overwrite, Send

from ..guards.grounding_judge import GroundingJudge
from ..guards.injection_guard import InjectionGuard
from ..guards.input import InputGuard
from ..guards.leaks import Leaks
from ..guards.output import OutputPolicy
from ..guards.personal_data import PiiRules
from ..models.factory import LLMFactory
from ..prompts.language import Language, LanguageDetector
from ..prompts.shared import DECLINED, GROUNDING_JUDGE, PLANNER, REPAIR, UNGROUNDED, WRITER, WRONG_LANGUAGE
from ..run_context import RunContext
from ..settings import Settings
from ..telemetry.audit_log import AuditLog
from ..telemetry.redaction import Redactor
from .access import Access
from .agent import Agent
from .agent_node import AgentNode
from .approvals import ApprovalNode
from .planner import Planner, RulesPlanner
from .replies import Event, Replies
from .state import Plan, Question, State, Task, Turn
from .threads import History
from .writer import OutputGuardNode, Writer

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class InputGuardNode:
    """Lets a message in through the guards, before anything else reads it."""

    inbound: InputGuard
    injection: InjectionGuard
    personal: PiiRules
    detector: LanguageDetector
    warning: Callable[[Language], str]
    """The answer to what reads like instructions."""

    async def __call__(self, state: State, runtime: Runtime[RunContext]) -> Mapping[str, Any]:
        """Write `question` and `language`; drop what the run before left, and what waits for approval.

        A refused message leaves no trace: the plan is written instead, and it declines. The
        thread's history is checked again, by the rules of today.

        Raises:
            InputRefused: The message is empty or too long, or holds personal data that is refused.
        """
        if stream := RunContext.current().stream:
            here = copy_context()  # it is called from graphs inside of this one
            stream.emit = lambda event: here.run(runtime.stream_writer, event)
        message = self._message(state)
        question, masked = self.personal.mask_input(self.inbound.clean(message))
        history = state.get("history", [])
        trusted = [it for it in history if not self._is_poisoned(it)]
        language = self.detector.detect(question, history[-1]["language"] if history else None)
        changes: dict[str, Any] = {
            "draft": "",
            "outcomes": Overwrite([]),
            "language": language,
            "withdrawn": self._withdrawn(state),
        }
        if len(trusted) < len(history):
            changes["history"] = trusted
        if await self._refusal(message, question, trusted):
            runtime.stream_writer(Event(event="plan", data={"verdict": "decline", "tasks": []}))
            log.warning("message_refused")
            plan = Plan(verdict="decline", tasks=[], text=self.warning(language))
            refused = {"question": "", "masked": [], "plan": plan, "degraded": Overwrite([])}
            return {**changes, **refused}
        return {**changes, "question": question, "masked": masked}

    @staticmethod
    def _message(state: State) -> str:
        """The message, or the user's last one of several."""
        if "message" in state:
            return state["message"]
        return next((it.text for it in reversed(state.get("messages", [])) if isinstance(it, HumanMessage)), "")

    @staticmethod
    def _withdrawn(state: State) -> list[str]:
        """The calls that waited for approval, as answers name them: this message takes them back."""
        waiting = [it["call"] for it in state.get("outcomes", []) if "call" in it]
        for call in waiting:
            AuditLog.record("approval", "withdrawn", f"{call['agent']}.{call['tool']}")
        return [call["shown"] for call in waiting]

    async def _refusal(self, message: str, question: str, history: Sequence[Turn]) -> str | None:
        """Why it is refused: as it was received, for hidden signs tell something too."""
        if refusal := await self.injection.refusal(message, "message", masked=question):
            return refusal
        if not history:
            return None
        return self.injection.check_split([history[-1]["question"], message], "message")

    def _is_poisoned(self, turn: Turn) -> bool:
        # Line by line: an answer may hold a headline that quotes an attack.
        texts = (turn["question"], *turn["answer"].splitlines())
        return any(self.injection.refusal_by_rules(text, "memory") for text in texts)


@dataclass(frozen=True)
class PlanNode:
    """The whole message for one worker, where the caller or the flow has chosen it; else the planner's plan."""

    planner: Planner | None
    worker: str
    """Who gets every message in a flow without a planner."""

    async def __call__(self, state: State, runtime: Runtime[RunContext]) -> Mapping[str, Any]:
        """Write `plan`. The detail that the chosen agent asked for completes the question before."""
        only = RunContext.current().only
        if self.planner and not only:
            return await self.planner(state, runtime)
        question = state["question"]
        last = state["history"][-1] if only and state.get("history") else None
        if self.planner and last and last["asked"] and last["agents"] == [only]:
            question = f"{last['question']} {question}"
        tasks = [Task(agent=only or self.worker, question=question)]
        runtime.stream_writer(Event(event="plan", data={"verdict": "work", "tasks": tasks}))
        return {"plan": Plan(verdict="work", tasks=tasks, text=""), "degraded": Overwrite([])}


@dataclass(frozen=True)
class ReplyNode:
    """Makes the reply of what the run has left: on every host the graph's last word."""

    replies: Replies

    async def __call__(self, state: State, runtime: Runtime[RunContext]) -> Mapping[str, Any]:
        """Write `reply`."""
        return {"reply": self.replies.from_state(state, RunContext.current())}


Graph = CompiledStateGraph[State, RunContext, Question, State]
Route = str | Sequence[Send]
Node = Callable[[State, Runtime[RunContext]], Awaitable[Mapping[str, Any]]]
"""A step of the run: reads the state, returns the changes."""


class Step:
    """One superstep: its nodes one after the other, then the route to what comes next.

    Each node sees and changes only what `access.toml` grants it. Each superstep costs 0.3 to 0.5 ms of
    CPU. A conditional edge in place of `route` would cost each run 3 % more: LangGraph reads the
    whole state for it again, and traces it as a step.
    """

    def __init__(self, nodes: Mapping[str, Node], route: Callable[[State], Route] | None = None) -> None:
        """Run `nodes` in this order; `route` reads the state with what they changed."""
        self._nodes = nodes
        self._route = route

    async def __call__(self, state: State, runtime: Runtime[RunContext]) -> Mapping[str, Any] | Command[str]:
        """The changes of all nodes; of one key, those of the last that changes it.

        Raises:
            PermissionError: A node changed a key that is not granted to it.
        """
        changes: dict[str, Any] = {}
        after: Any = dict(state)
        granted = Access.nodes()
        for name, node in self._nodes.items():
            seen: Any = {key: value for key, value in after.items() if key in granted[name].reads}
            own = await node(seen, runtime)
            if foreign := own.keys() - granted[name].writes:
                raise PermissionError(f"node {name} may not write {sorted(foreign)}: grant it in runtime/access.toml")
            changes |= own
            after |= own
            if isinstance(more := own.get("degraded"), list):  # they add up
                after["degraded"] = [*state.get("degraded", []), *more]
            if "plan" in changes:  # a refused message: nothing is left to decide
                break
        return Command(update=changes, goto=self._route(after)) if self._route else changes


class GraphBuilder:
    """Builds admit and plan -> work (side by side) -> write -> audit and reply; and approve where a call waits."""

    def __init__(
        self,
        settings: Settings,
        factory: LLMFactory,
        agents: Sequence[Agent[Any]],
        injection: InjectionGuard | None = None,
        *,
        has_planner: bool = True,
    ) -> None:
        """Build the nodes once. Without `injection`, its rules look through the messages.

        Without a planner, the first agent gets every message whole.
        """
        members = [it for agent in agents for it in getattr(agent, "members", ())]  # of a flow's one worker
        detector = LanguageDetector(settings.language, [agent.keywords for agent in (*agents, *members)])
        shared = [PLANNER, REPAIR, DECLINED, WRITER, UNGROUNDED, WRONG_LANGUAGE, GROUNDING_JUDGE]
        prompts = [*shared, *(it for agent in agents for it in getattr(agent, "prompts", [agent.prompt]))]
        texts = [text for prompt in prompts for text in prompt.text.values()]
        redactor = Redactor([settings, *(agent.settings for agent in agents)])
        judge = GroundingJudge.from_settings(settings, factory)
        outgoing = OutputPolicy(
            Leaks(texts, redactor), PiiRules(settings.personal_data_out), settings.grounding_names, judge
        )
        self.outgoing = outgoing
        rules = RulesPlanner(agents, settings.plan_max_tasks)
        work = AgentNode(settings, factory, agents, outgoing)
        self.nodes: Mapping[str, Node] = {
            "admit": InputGuardNode(
                InputGuard(settings.message_max_chars),
                injection or InjectionGuard(),
                PiiRules(settings.personal_data_in),
                detector,
                rules.warning,
            ),
            "plan": PlanNode(
                Planner(factory, agents, rules, settings, outgoing) if has_planner else None,
                "" if has_planner else agents[0].name,
            ),
            "work": work,
            "write": Writer(factory, outgoing),
            "audit": OutputGuardNode(History(settings.history_turns, settings.history_max_tokens), outgoing),
            "reply": ReplyNode(Replies(settings, factory)),
            "approve": ApprovalNode(agents, work.graphs),
        }

    def compile(self, checkpointer: BaseCheckpointSaver[Any] | None) -> Graph:
        """The graph over a store of threads; None keeps no threads."""
        builder = StateGraph(State, context_schema=RunContext, input_schema=Question)
        plan = Step(self._only("admit", "plan"), self._start_work)
        work = Step(self._only("work"), self._after_work)
        audit = Step(self._only("audit", "reply"), self._after_audit)
        builder.add_node("plan", plan.__call__, destinations=("work", "audit"))
        builder.add_node("work", work.__call__, destinations=("write", "audit"))
        builder.add_node("audit", audit.__call__, destinations=("approve", END))
        for name in ("write", "approve"):
            builder.add_node(name, Step(self._only(name)).__call__)
            builder.add_edge(name, "audit")
        builder.add_edge(START, "plan")
        return builder.compile(checkpointer=checkpointer)

    def _only(self, *names: str) -> Mapping[str, Node]:
        return {name: self.nodes[name] for name in names}

    @staticmethod
    def _start_work(state: State) -> Route:
        plan = state["plan"]
        last = state["history"][-1] if state.get("history") else None
        return [
            Send(
                "work",
                State(
                    plan=plan,
                    task=task,
                    question=state["question"],
                    language=state["language"],
                    before=last["question"] if last and task["agent"] in last["agents"] else "",
                    history=state.get("history", []),
                ),
            )
            for task in plan["tasks"]
        ] or "audit"

    @staticmethod
    def _after_work(state: State) -> Route:
        """One agent's answer is already the answer: no writer, one step less."""
        return "write" if len(state["plan"]["tasks"]) > 1 else "audit"

    @staticmethod
    def _after_audit(state: State) -> Route:
        """Most runs end here; a call that waits for a person is asked about."""
        return "approve" if any("call" in outcome for outcome in state["outcomes"]) else ()
