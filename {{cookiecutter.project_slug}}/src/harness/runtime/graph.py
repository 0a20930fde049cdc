"""The graph of one run, compiled once at start; the store of threads is given to it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, Send

from ..guards.injection_guard import InjectionGuard
from ..guards.input import InputGuard
from ..guards.leaks import Leaks
from ..guards.output import OutputPolicy
from ..guards.personal_data import PiiRules
from ..models.factory import LLMFactory
from ..prompts.language import LanguageDetector
from ..prompts.shared import PLANNER, REPAIR, UNGROUNDED, WRITER, WRONG_LANGUAGE
from ..run_context import RunContext
from ..settings import Settings
from ..telemetry.redaction import Redactor
from .agent import Agent
from .agent_node import AgentNode
from .approvals import ApprovalNode
from .input_guard_node import InputGuardNode
from .output_guard_node import OutputGuardNode
from .planner import Planner
from .rules_planner import RulesPlanner
from .state import READS, WRITES, State
from .threads import History
from .writer import Writer

Graph = CompiledStateGraph[State, RunContext, State, State]
Route = str | Sequence[Send]


class Node(Protocol):
    """A step of the run: reads the state, returns the changes."""

    async def __call__(self, state: State, runtime: Runtime[RunContext]) -> Mapping[str, Any]:
        """The changes of this step."""
        ...


class Step:
    """One superstep: its nodes one after the other, then the route to what comes next.

    Each node sees and changes only what `state.py` grants it. Each superstep costs 0.3 to 0.5 ms of
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
            PermissionError: A node changed a key that `WRITES` does not grant it.
        """
        changes: dict[str, Any] = {}
        after: Any = dict(state)
        for name, node in self._nodes.items():
            seen: Any = {key: value for key, value in after.items() if key in READS[name]}
            own = await node(seen, runtime)
            if foreign := own.keys() - WRITES[name]:
                raise PermissionError(f"node {name} may not write {sorted(foreign)}: grant it in runtime/state.py")
            changes |= own
            after |= own
            if "plan" in changes:  # a refused message: nothing is left to decide
                break
        return Command(update=changes, goto=self._route(after)) if self._route else changes


class GraphBuilder:
    """Builds admit and plan -> work (side by side) -> write -> audit, and approve where a call waits."""

    def __init__(
        self,
        settings: Settings,
        factory: LLMFactory,
        agents: Sequence[Agent[Any]],
        injection: InjectionGuard | None = None,
    ) -> None:
        """Build the nodes once. Without `injection`, its rules look through the messages."""
        detector = LanguageDetector(settings.language)
        shared = [PLANNER, REPAIR, WRITER, UNGROUNDED, WRONG_LANGUAGE]
        prompts = [*shared, *(agent.prompt for agent in agents)]
        texts = [text for prompt in prompts for text in prompt.text.values()]
        redactor = Redactor([settings, *(agent.settings for agent in agents)])
        outgoing = OutputPolicy(Leaks(texts, redactor), PiiRules(settings.personal_data_out), settings.grounding_names)
        rules = RulesPlanner(agents, settings.plan_max_tasks)
        self.nodes: Mapping[str, Node] = {
            "admit": InputGuardNode(
                InputGuard(settings.message_max_chars),
                injection or InjectionGuard(),
                PiiRules(settings.personal_data_in),
                detector,
                rules.warning,
            ),
            "plan": Planner(factory, agents, rules, settings, outgoing),
            "work": AgentNode(settings, factory, agents, outgoing),
            "write": Writer(factory, outgoing),
            "audit": OutputGuardNode(History(settings.history_turns, settings.history_max_tokens), outgoing),
            "approve": ApprovalNode(agents),
        }

    def compile(self, checkpointer: BaseCheckpointSaver[Any] | None) -> Graph:
        """The graph over a store of threads; None keeps no threads."""
        builder = StateGraph(State, context_schema=RunContext)
        plan = Step(self._only("admit", "plan"), self._start_work)
        work = Step(self._only("work"), self._after_work)
        audit = Step(self._only("audit"), self._after_audit)
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
                    language=state["language"],
                    before=last["question"] if last and task["agent"] in last["agents"] else "",
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
