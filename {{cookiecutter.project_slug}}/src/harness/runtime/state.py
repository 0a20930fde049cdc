"""The state of a run, and what its results say together. Which node may read and write what: `access.toml`.

Values are plain JSON types, so that a checkpoint of today is read by the version of tomorrow.
"""

import operator
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, NotRequired

from langchain_core.messages import AnyMessage
from langgraph.channels import UntrackedValue
from typing_extensions import TypedDict

from ..guards.output import GroundingLevel, OutputGuard, OutputPolicy
from ..prompts.language import Language
from ..prompts.messages import LocalizedMessage
from .agent import Source, ToolResult

Verdict = Literal["work", "clarify", "decline"]

LEVELS: Final[Sequence[GroundingLevel]] = ("open", "sources", "facts")
"""The weakest first."""


class Task(TypedDict):
    """One part of the message for one agent."""

    agent: str
    question: str


class Plan(TypedDict):
    """What the planner decided."""

    verdict: Verdict
    tasks: list[Task]
    text: str
    """The question back (`clarify`) or the refusal (`decline`); empty for `work`."""


class PendingCall(TypedDict):
    """One call of a writing tool that waits for a person."""

    id: str
    """Nobody can guess it; the tool may use it as its own idempotency key."""
    agent: str
    tool: str
    arguments: Mapping[str, Any]
    shown: str
    """The call as the answer says it."""
    expires_at: float
    """Seconds since 1970."""
    interrupt: NotRequired[str]
    """Of a graph's call: what the decision resumes."""
    form: NotRequired[str]
    """How it is resumed: see `WaitingCall`."""
    evidence: NotRequired[list[Mapping[str, Any]]]
    """What the graph's tools had brought before, each the fields of a `ToolResult`."""


class Decision(TypedDict):
    """What a person decided about one of them."""

    id: str
    verdict: Literal["approve", "reject"]
    value: NotRequired[Any]
    """The answer to a graph's structured question."""
    unresolved: NotRequired[list[str]]
    """Ids of calls that were decided before, by runs that ended before they could answer."""


class TaskResult(TypedDict):
    """The result of one task."""

    agent: str
    question: str
    text: str
    facts: list[Mapping[str, Any]]
    sources: list[Source]
    status: Literal["answered", "asked", "missing", "waiting", "rejected"]
    """`asked`: the agent needs detail, `text` asks for it; `missing`: its source gave nothing;
    `waiting`: a person decides about `call`; `rejected`: and said no."""
    call: NotRequired[PendingCall]
    """While it waits, and no longer."""
    age_seconds: NotRequired[float]
    """Of an earlier run's answer, given again; a fresh one has none."""
    grounding: NotRequired[GroundingLevel]
    """What its figures and names are held against; `facts` where it does not say."""


class Turn(TypedDict):
    """One past turn of the thread."""

    question: str
    language: Language
    answer: str
    agents: list[str]
    asked: bool
    """True when the answer asked for more detail: the next message may be that detail."""


class Question(TypedDict, total=False):
    """What a run is given: one of both."""

    message: Annotated[str, UntrackedValue]
    """As received, for `admit` alone. No store holds it, also of a run that fails or is left: it may
    contain what is masked in `question`."""
    messages: Annotated[list[AnyMessage], UntrackedValue]
    """Of chat clients of LangGraph's; the last one of the user is the message."""


class State(Question, total=False):
    """A thread's state: `history` lasts, everything else belongs to one run."""

    question: str
    """The message after its checks; empty when it was refused."""
    masked: list[str]
    """Kinds of personal data that were masked in the question."""
    language: Language
    plan: Plan
    outcomes: Annotated[list[TaskResult], operator.add]
    task: Task
    """The one task of one `work` step."""
    before: str
    """The thread's last question, where the same agent had a part in it; completes a follow-up."""
    withdrawn: list[str]
    """Calls that waited for approval until this message came, as they were shown."""
    draft: str
    answer: str
    degraded: Annotated[list[str], operator.add]
    history: list[Turn]
    reply: Annotated[Any, UntrackedValue]
    """The `Reply`, of the last node."""


class TaskResults:
    """The results of a run, in the order in which the message asked for them."""

    SEPARATOR: Final = "\n\n"

    def __init__(self, state: State) -> None:
        order = [(task["agent"], task["question"]) for task in state["plan"]["tasks"]]
        self.all = sorted(state["outcomes"], key=lambda it: order.index((it["agent"], it["question"])))

    @property
    def text(self) -> str:
        """The agents' own answers, one paragraph each."""
        return self.SEPARATOR.join(result["text"] for result in self.all)

    @property
    def grounding(self) -> GroundingLevel:
        """The weakest level of the results that answer."""
        levels = {it.get("grounding", "facts") for it in self.all if it["status"] == "answered"}
        return next((it for it in LEVELS if it in levels), "facts")

    @property
    def has_pending_call(self) -> bool:
        """True while a call waits for a person's approval."""
        return any("call" in result for result in self.all)

    def guard(self, state: State, outgoing: OutputPolicy) -> OutputGuard:
        """The guard of an answer that may state what these results hold."""
        is_given = [it["status"] != "answered" or it.get("grounding") == "open" for it in self.all]
        texts = [result["text"] for result, given in zip(self.all, is_given, strict=True) if given]
        facts = [result["facts"] for result in self.all]
        sources = [source for result in self.all for source in result["sources"]]
        return OutputGuard(
            outgoing.grounded(self.grounding),
            state["question"],
            [texts, facts],
            [source["url"] for source in sources],
            said=[*(it["text"] for it in self.all), *(source["title"] for source in sources)],
            language=state["language"],
        )

    @staticmethod
    def answered(task: Task, text: str, results: Sequence[ToolResult]) -> TaskResult:
        """The result of a task with an answer, and the tool results that hold it up."""
        return TaskResult(
            agent=task["agent"],
            question=task["question"],
            text=text,
            facts=[dict(result.facts) for result in results],
            sources=[source for result in results for source in result.sources],
            status="answered",
        )

    @classmethod
    def unanswered(
        cls, task: Task, text: str, status: Literal["answered", "asked", "missing", "waiting", "rejected"]
    ) -> TaskResult:
        """The result of a task without an answer; `text` says why or asks back."""
        return {**cls.answered(task, text, ()), "status": status}

    @classmethod
    def missing(cls, task: Task, message: LocalizedMessage, language: Language, **given: Any) -> TaskResult:
        """The result of a task that failed, with `message` about it."""
        text = message.format(language, **({"question": task["question"]} | given))
        return cls.unanswered(task, text, "missing")
