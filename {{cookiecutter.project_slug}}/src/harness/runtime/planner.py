"""The plan node: a model decides which agents work; rules decide by keywords when no model can."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import structlog
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.runnables import Runnable
from langgraph.runtime import Runtime
from langgraph.types import Overwrite
from pydantic import BaseModel, Field, ValidationError

from ..guards.output import OutputPolicy
from ..limits.deadline import Deadline, DeadlineFraction
from ..models.factory import LLMFactory
from ..prompts.language import Language, LanguageDetector, Translations, Words
from ..prompts.messages import LocalizedMessage, Messages
from ..prompts.prompt import Prompt
from ..prompts.shared import DECLINED, PLANNER, REPAIR
from ..run_context import RunContext
from ..settings import Settings
from ..telemetry.metrics import FAILURES
from .agent import Agent
from .keywords import Keywords
from .plan_check import PlanCheck
from .replies import Degraded, Event
from .state import Plan, State, Task, Turn
from .threads import History

log = structlog.get_logger(__name__)


class RulesPlanner:
    """Splits a message into clauses and gives each to the agent whose keywords it holds."""

    VAGUE_WORDS: Final = 1
    """A message of at most so many telling words, such as "Paris?", is asked back about."""

    VAGUE_WITH_REFERENCE: Final = 3
    """The same where something is meant that was not named: "How long does it take?"."""

    REFERENCES: Final = frozenset("it that this they them those these one eso esto ese esa esos esas ello".split())

    def __init__(self, agents: Sequence[Agent[Any]], max_tasks: int) -> None:
        self._descriptions = [agent.description for agent in agents]
        self._keywords = {agent.name: agent.words for agent in agents}
        self._max_tasks = max_tasks

    def plan(self, question: str, language: Language, history: Sequence[Turn]) -> Plan:
        """The plan for `question`; a follow-up goes to the agents of the turn before."""
        tasks = self._tasks(question)
        if not tasks and history:
            tasks = self._follow_up(question, history[-1])
        if len(tasks) > self._max_tasks:
            text = Messages.TOO_MANY.format(language, given=len(tasks), max=self._max_tasks)
            return Plan(verdict="clarify", tasks=[], text=text)
        if tasks:
            return Plan(verdict="work", tasks=tasks, text="")
        if self._is_vague(question):
            return Plan(verdict="clarify", tasks=[], text=self.offer(language))
        return Plan(verdict="decline", tasks=[], text=self.refusal(language))

    def offer(self, language: Language) -> str:
        """The question back, with what the agents can do."""
        return self._with_agents(Messages.CLARIFY, language)

    def refusal(self, language: Language) -> str:
        """The refusal, with what the agents can do instead."""
        return self._with_agents(Messages.DECLINE, language)

    def warning(self, language: Language) -> str:
        """The answer to a message that the guard refuses, with what the agents can do."""
        return self._with_agents(Messages.REFUSED, language)

    def _with_agents(self, message: LocalizedMessage, language: Language) -> str:
        return message.format(language, agents=Messages.bullets(self._descriptions, language))

    def _tasks(self, question: str) -> list[Task]:
        tasks: list[Task] = []
        start = 0
        for begin, end in Keywords.clauses(question):
            agent = self._best(question[begin:end])
            if agent and not (tasks and tasks[-1]["agent"] == agent):
                if tasks:  # a lead-in such as "Good morning, …" stays with the first task
                    start = begin
                tasks.append(Task(agent=agent, question=""))
            if tasks:  # a clause of no agent, such as "and Lima", belongs to the task before it
                tasks[-1]["question"] = question[start:end].strip()
        return tasks

    def _best(self, clause: str) -> str:
        scores = {agent: keywords.score(clause) for agent, keywords in self._keywords.items()}
        best = max(scores, key=lambda agent: scores[agent], default="")
        return best if best and scores[best] else ""

    def _follow_up(self, question: str, last: Turn) -> list[Task]:
        if last["asked"]:  # the detail that was asked for completes the question before
            return [Task(agent=name, question=f"{last['question']} {question}") for name in last["agents"]]
        if Keywords.FOLLOW_UP.match(question):
            return [Task(agent=name, question=question) for name in last["agents"]]
        return []

    @classmethod
    def _is_vague(cls, question: str) -> bool:
        common = frozenset().union(*LanguageDetector.WORDS.values())
        names = re.sub(r"\b([A-ZÁÉÍÓÚÑ]\w+)(?: [A-ZÁÉÍÓÚÑ]\w+)+", r"\1", question)
        words = Words.tokenize(names)
        telling = [word for word in words if word not in common | cls.REFERENCES]
        most = cls.VAGUE_WORDS if cls.REFERENCES.isdisjoint(words) else cls.VAGUE_WITH_REFERENCE
        return len(telling) <= most


class PlannedTask(BaseModel):
    """One part of the message for one agent."""

    agent: str = Field(description="The agent's name.")
    question: str = Field(description="Its part of the question, in the user's words.")


class PlanDraft(BaseModel):
    """Which agents work on which part of the message."""

    # No defaults: OpenAI's strict schemas know none.
    verdict: Literal["work", "clarify", "decline"]
    tasks: list[PlannedTask] = Field(description="One for each thing asked; empty unless work.")
    text: str = Field(description="The question back, for clarify; else empty.")


class PlanScript:
    """What the embedded model says as planner: the rules' plan."""

    def __init__(self, rules: RulesPlanner) -> None:
        self._rules = rules

    def respond(self, messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        """The plan as a call of the one schema that is bound."""
        extra = messages[0].additional_kwargs
        plan = self._rules.plan(str(messages[1].content), extra["language"], extra["history"])
        call = {"name": bound[0], "args": dict(plan), "id": "plan", "type": "tool_call"}
        return AIMessage(content="", tool_calls=[call])


class Planner:
    """Turns a question into a plan that names only agents that exist."""

    def __init__(
        self,
        factory: LLMFactory,
        agents: Sequence[Agent[Any]],
        rules: RulesPlanner,
        settings: Settings,
        outgoing: OutputPolicy,
    ) -> None:
        self._check = PlanCheck(agents, rules, outgoing)
        self._max_chars = settings.message_max_chars
        self._names = {agent.name for agent in agents}
        self._agents = agents
        self._rules = rules
        self._max_tasks = settings.plan_max_tasks
        self._model: Runnable[Any, AIMessage] | None = None
        if not factory.is_disabled:
            model = factory.for_role("planner", PlanScript(rules))
            self._model = model.bind_tools([PlanDraft], tool_choice="any")

    async def __call__(self, state: State, runtime: Runtime[RunContext]) -> Mapping[str, Any]:
        """Write `plan`, and the reasons why it is a degraded one."""
        question, language = state["question"], state["language"]
        history = state.get("history", [])
        plan, degraded = None, [Degraded.DISABLED]
        if self._model is not None:
            plan, degraded = await self._ask_model(self._model, question, language, history)
            if plan:
                plan, more = self._check.checked(plan, question, language, history)
                degraded = [*degraded, *more]
        plan = plan or self._rules.plan(question, language, history)
        data = {"verdict": plan["verdict"], "tasks": plan["tasks"]}
        runtime.stream_writer(Event(event="plan", data=data))
        log.info("planned", verdict=plan["verdict"], agents=[t["agent"] for t in plan["tasks"]])
        return {"plan": plan, "degraded": Overwrite(degraded)}

    async def _ask_model(
        self, model: Runnable[Any, AIMessage], question: str, language: Language, history: Sequence[Turn]
    ) -> tuple[Plan | None, list[str]]:
        """The model's plan; None when it has none, and why."""
        system = SystemMessage(
            PLANNER.render(
                language,
                agents="\n".join(f"- {a.name}: {Translations.pick(a.description, language)}" for a in self._agents),
                history=History.transcript(history),
                max_tasks=str(self._max_tasks),
            ),
            additional_kwargs={"language": language, "history": list(history)},
        )
        messages: list[BaseMessage] = [system, HumanMessage(question)]
        try:
            async with Deadline.until(DeadlineFraction.PLAN):
                plan = await self._draft(model, messages, language, PLANNER)
                is_doubtful = plan is not None and self._check.is_doubtful(plan, question, language)
                if plan is None or is_doubtful:  # one chance to mend it
                    prompt = DECLINED if plan else REPAIR
                    mend = HumanMessage(prompt.render(language, max_tasks=str(self._max_tasks)))
                    plan = await self._draft(model, [*messages, mend], language, prompt) or plan
        except Exception as failure:  # noqa: BLE001 - see below
            # Providers raise far more than their own errors (a 200 with HTML is an AttributeError):
            # whatever a model does wrong, the rules still plan.
            log.warning("plan_failed", reason=type(failure).__name__)
            return None, Degraded.reasons_for("planner", failure)
        if plan is None:
            FAILURES.labels("plans", "unusable").inc()
            return None, [Degraded.UNUSABLE_PLAN]
        return plan, [Degraded.DECLINED] if self._check.is_doubtful(plan, question, language) else []

    async def _draft(
        self, model: Runnable[Any, AIMessage], messages: Sequence[BaseMessage], language: Language, prompt: Prompt
    ) -> Plan | None:
        """One plan of the model; None when it breaks the schema or cannot be carried out."""
        answer = await model.ainvoke([*messages], {"metadata": prompt.metadata})
        if not answer.tool_calls:
            log.warning("plan_refused", reason="not the schema")
            return None
        try:
            draft = PlanDraft.model_validate(answer.tool_calls[0]["args"])
        except ValidationError as broken:
            log.warning("plan_refused", reason=type(broken).__name__)
            return None
        return self._checked(draft, language)

    def _checked(self, draft: PlanDraft, language: Language) -> Plan | None:
        """The draft as a plan; None when it cannot be carried out."""
        tasks = [Task(agent=task.agent, question=task.question) for task in draft.tasks]
        if draft.verdict == "work":
            unknown = [task["agent"] for task in tasks if task["agent"] not in self._names]
            chars = sum(len(task["question"]) for task in tasks)
            if not tasks or unknown or len(tasks) > self._max_tasks or chars > self._max_chars:
                log.warning("plan_refused", reason="agents", tasks=len(tasks), unknown=len(unknown))
                return None
            return Plan(verdict="work", tasks=tasks, text="")
        if draft.verdict == "clarify":
            return Plan(verdict="clarify", tasks=[], text=draft.text or self._rules.offer(language))
        return Plan(verdict="decline", tasks=[], text=self._rules.refusal(language))
