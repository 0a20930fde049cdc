"""What a caller gets: one reply, or the events that lead to it, and why an answer is degraded."""

from datetime import UTC, datetime
from math import ceil
from typing import Any, Final, Literal, Self

import structlog
from langchain_core.messages import AnyMessage
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from ..errors import ApprovalNeeded, BudgetExceeded, InputRefused, ModelUnavailable, PolicyViolation, SourceUnavailable
from ..guards.output import GroundingLevel, OutputGuard
from ..guards.personal_data import PiiRules
from ..models.answer_form import CUT
from ..models.call_recorder import Usage
from ..models.factory import LLMFactory
from ..prompts.language import Language, LanguageDetector
from ..prompts.messages import Messages
from ..run_context import RunContext
from ..settings import Settings
from ..telemetry.audit_log import AuditLog
from .state import PendingCall, Plan, State, TaskResults

log = structlog.get_logger(__name__)

SECONDS_PER_MINUTE = 60  # what a minute has

Role = Literal["planner", "model", "writer"]


class Degraded:
    """Why an answer is degraded. Callers may build on these reasons: a name keeps its meaning."""

    DISABLED: Final = "llm_disabled"  # DISABLE_LLM is on
    UNGROUNDED: Final = "ungrounded"  # A model stated a figure or a name that no tool had found; it was left out
    LANGUAGE: Final = "wrong_language"  # A model answered in another language than the question's; it was left out
    UNSAFE: Final = "unsafe_answer"  # A model wrote a prompt, a secret, markup, a stranger's link or personal data
    UNUSABLE_PLAN: Final = "unusable_plan"  # The planner's model answered twice, and no plan; rules chose the agents
    DECLINED: Final = "doubtful_decline"  # A model refused, twice, what an agent's keywords or description are for
    INCOMPLETE: Final = "incomplete_draft"  # The writer left out what an agent found; the agents' own words were sent
    STALE_ANSWER: Final = "kept_answer"  # No model answered: a part is an earlier run's answer, a notice tells its age
    SOURCE: Final = "source_unavailable"  # A data source gave nothing usable; the answer names the missing part
    AGENT: Final = "agent_failed"  # An agent's own code failed; the answer names the missing part
    OUT_OF_TIME: Final = "out_of_time"  # A model or a step was ended, so that the answer leaves before the deadline
    OVER_BUDGET: Final = "over_budget"  # A model asked for more calls or tokens than a run may use
    CUT: Final = "cut_answer"  # A model's answer was longer than it may be, and ends with its last whole sentence
    NOT_SAVED: Final = "not_saved"  # The thread does not remember this exchange: its store did not answer
    TIMEOUT: Final = "timeout"  # The reason of a failed model call when the last model took too long

    @classmethod
    def refused(cls, refusal: str) -> str:
        """The reason of a text that the outbound guard refused."""
        if refusal == OutputGuard.LANGUAGE:
            return cls.LANGUAGE
        return cls.UNGROUNDED if refusal == OutputGuard.UNGROUNDED else cls.UNSAFE

    @classmethod
    def cut(cls, answer: AnyMessage) -> set[str]:
        """The reason of a model's answer that was cut; none of any other."""
        return {cls.CUT} if answer.response_metadata.get(CUT) else set()

    @classmethod
    def reasons_for(cls, role: Role, failure: Exception) -> list[str]:
        """Why there is nothing from `role`: `planner_unavailable` and the like, and its cause."""
        reasons = [f"{role}_unavailable"]
        timed_out = isinstance(failure, ModelUnavailable) and failure.reason == cls.TIMEOUT
        if timed_out or isinstance(failure, TimeoutError):
            reasons.append(cls.OUT_OF_TIME)
        if isinstance(failure, BudgetExceeded):
            reasons.append(cls.OVER_BUDGET)
        return reasons

    @classmethod
    def reasons_of_tool(cls, failure: Exception) -> list[str]:
        """Why an answer is without what a tool would have brought, another agent among them."""
        match failure:
            case SourceUnavailable() | PolicyViolation():
                return [cls.SOURCE]
            case ModelUnavailable():
                return cls.reasons_of_graph(failure)
            case BudgetExceeded():
                return [cls.OVER_BUDGET]
            case InputRefused() | ApprovalNeeded():  # the model asked for what may not be; nothing failed
                return []
        return [cls.AGENT]

    @classmethod
    def reasons_of_graph(cls, failure: ModelUnavailable) -> list[str]:
        """Why an answer is without the model's words: they were withheld, or there are none."""
        withheld = failure.reason in (cls.UNGROUNDED, cls.UNSAFE, cls.LANGUAGE)
        return [failure.reason] if withheld else cls.reasons_for("model", failure)


class SourceRef(BaseModel):
    """Where a fact of the answer comes from."""

    title: str
    url: str


class AgentReport(BaseModel):
    """What one agent did for this answer."""

    name: str
    question: str = Field(description="The part of the message that it worked on.")
    status: Literal["answered", "asked", "missing", "waiting", "rejected"] = Field(
        description="`asked`: it needs more detail; `missing`: its data source gave nothing usable; "
        "`waiting`: a person must approve what it would do; `rejected`: a person said no."
    )
    grounding: GroundingLevel = Field(
        default="facts",
        description="What its claims were held against: `facts`: what tools found in this run; `sources`: at least "
        "one source, and figures; `open`: nothing, a model may have said it from memory.",
    )


class ApprovalRequest(BaseModel):
    """A call that would change something. It runs when it is approved, as it is shown, and once."""

    id: str = Field(description="`POST /v1/threads/{thread_id}/approvals/{id}` decides.")
    agent: str
    tool: str
    arguments: dict[str, Any]
    expires_at: str = Field(description="Until when it may be approved, ISO 8601.")

    @classmethod
    def from_call(cls, call: PendingCall) -> Self:
        """`call` as callers see it."""
        until = datetime.fromtimestamp(call["expires_at"], UTC).isoformat(timespec="seconds")
        return cls(
            id=call["id"], agent=call["agent"], tool=call["tool"], arguments=dict(call["arguments"]), expires_at=until
        )


class UsageReport(BaseModel):
    """What the models used for this answer, by the providers' own count."""

    model_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = Field(
        default=0.0, description="US dollars by the price table; null: a model without a price answered."
    )


class Reply(BaseModel):
    """One answer with everything that a caller needs to trust it."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    answer: str
    """The answer, in the language of the question."""

    language: Language
    agents: list[AgentReport]
    sources: list[SourceRef]

    degraded: bool
    """True when a part is missing or came about in a lesser way than configured."""

    degraded_because: list[str]
    """Stable reasons; empty when not."""

    approvals: list[ApprovalRequest] = []
    """What waits for a person. A later message of this conversation withdraws it."""

    notices: list[str]
    """What a reader must know: the embedded model answered, the data are samples."""

    grounding: GroundingLevel = "facts"
    """The weakest level of its parts."""

    usage: UsageReport
    thread_id: str
    """Send it with the next message to go on with this conversation."""

    run_id: str
    """Names this answer, for feedback and support."""

    @classmethod
    def from_state(cls, state: State, run: RunContext, notices: list[str]) -> Self:
        """The reply of a run that left `state`."""
        results = TaskResults(state).all
        sources = {(s["title"], s["url"]): s for it in results for s in it["sources"]}
        reasons = sorted(set(state["degraded"]))
        return cls(
            answer=state["answer"],
            language=state["language"],
            agents=[
                AgentReport(
                    name=it["agent"],
                    question=it["question"],
                    status=it["status"],
                    grounding=it.get("grounding", "facts"),
                )
                for it in results
            ],
            sources=[SourceRef(**source) for source in sources.values()],
            degraded=bool(reasons),
            degraded_because=reasons,
            approvals=[ApprovalRequest.from_call(it["call"]) for it in results if "call" in it],
            notices=notices,
            grounding=TaskResults(state).grounding,
            usage=UsageReport.model_validate(run.usage or Usage(), from_attributes=True),
            thread_id=run.thread.thread_id if run.thread else "",
            run_id=run.run_id,
        )

    def unsaved(self) -> Self:
        """The same reply of a run that the thread does not remember."""
        reasons = sorted({*self.degraded_because, Degraded.NOT_SAVED})
        notices = [*self.notices, Messages.NOT_SAVED.format(self.language)]
        changes = {"degraded": True, "degraded_because": reasons, "notices": notices}
        # What is not saved cannot be approved.
        return self.model_copy(update=changes | {"approvals": []})


class Event(TypedDict):
    """One step of a streamed run; `data` is JSON."""

    event: Literal[
        "started",
        "plan",
        "agent_started",
        "agent_finished",
        "progress",
        "token",
        "withdrawn",
        "final",
        "error",
        "heartbeat",  # of no run: nothing came for a while
    ]
    data: dict[str, Any]


class Replies:
    """Makes the reply of a run and its line in the audit log, also where the run left nothing."""

    def __init__(self, settings: Settings, factory: LLMFactory) -> None:
        self._settings = settings
        self._factory = factory
        self._detector = LanguageDetector(settings.language)
        self._personal = PiiRules(settings.personal_data_in)

    def from_state(self, state: State, run: RunContext) -> Reply:
        """The reply of a run that left `state`."""
        reply = Reply.from_state(state, run, self._notices(state))
        AuditLog.annotate(
            outcome=state["plan"]["verdict"],
            agents=sorted({agent.name for agent in reply.agents}),
            language=reply.language,
            degraded_because=reply.degraded_because,
        )
        if self._settings.audit_content:
            question, hidden = state.get("question", ""), self._personal.hidden
            AuditLog.annotate(question=hidden(question), answer=hidden(reply.answer))
        return reply

    def unanswered(self, message: str, run: RunContext) -> Reply:
        """The reply to a message whose run passed the deadline."""
        language = self._detector.detect(message)
        return self.timed_out(language, Messages.UNAVAILABLE.format(language), run)

    def timed_out(self, language: Language, text: str, run: RunContext) -> Reply:
        """The reply when even the fallbacks took too long: a step of ours does not end."""
        log.error("deadline_passed", seconds=self._settings.request_timeout_seconds)
        state = State(
            plan=Plan(verdict="decline", tasks=[], text=""),
            outcomes=[],
            language=language,
            answer=text,
            degraded=[Degraded.OUT_OF_TIME, Degraded.NOT_SAVED],
        )
        reply = self.from_state(state, run)
        AuditLog.annotate(outcome=Degraded.OUT_OF_TIME)  # and nobody knows what has begun
        return reply

    def _notices(self, state: State) -> list[str]:
        language = state["language"]
        kinds = {model.kind for model in self._factory.models()}
        spoken = {
            Messages.EMBEDDED: "embedded" in kinds,
            Messages.DISABLED: "disabled" in kinds,
            Messages.SAMPLE_DATA: self._settings.use_fake_data,
        }
        notices = [phrase.format(language) for phrase, is_true in spoken.items() if is_true]
        if masked := state.get("masked"):
            notices.append(Messages.MASKED.format(language, kinds=Messages.kinds(masked, language)))
        notices += [Messages.WITHDRAWN.format(language, call=it) for it in state.get("withdrawn", [])]
        ages = [outcome["age_seconds"] for outcome in state["outcomes"] if "age_seconds" in outcome]
        if ages:
            minutes = ceil(max(ages) / SECONDS_PER_MINUTE)
            notices.append(Messages.STALE.format(language, minutes=max(1, minutes)))
        return notices
