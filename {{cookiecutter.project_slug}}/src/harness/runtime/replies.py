"""What a run came to, as its caller and the audit trail are told."""

from dataclasses import dataclass
from math import ceil

import structlog
from langchain_core.runnables import RunnableConfig

from ..guards.personal_data import PiiRules
from ..limits.deadline import Deadline
from ..models.call_recorder import Usage
from ..models.factory import LLMFactory
from ..prompts.language import Language, LanguageDetector
from ..prompts.messages import Messages
from ..settings import Settings
from ..storage.thread_ref import ThreadRef
from ..telemetry.audit_log import AuditLog
from .degraded import Degraded
from .reply import AgentReport, ApprovalRequest, Reply, SourceRef, UsageReport
from .state import Plan, State
from .writer import Answers

log = structlog.get_logger(__name__)

SECONDS_PER_MINUTE = 60  # what a minute has


@dataclass(frozen=True, slots=True)
class Run:
    """One run while it goes on."""

    config: RunnableConfig
    deadline: Deadline
    usage: Usage
    trail: AuditLog


class Replies:
    """Makes replies of what the graph leaves behind, also where it left nothing."""

    def __init__(self, settings: Settings, factory: LLMFactory) -> None:
        self._settings = settings
        self._factory = factory
        self._detector = LanguageDetector(settings.language)
        self._personal = PiiRules(settings.personal_data_in)

    def from_state(self, state: State, run: Run) -> Reply:
        """What `state` came to; the audit trail is told of it too."""
        outcomes = Answers.in_order(state)
        config, usage = run.config, run.usage
        sources = {(s["title"], s["url"]): s for o in outcomes for s in o["sources"]}
        degraded = sorted(set(state["degraded"]))
        run.trail.annotate(
            outcome=state["plan"]["verdict"],
            agents=sorted({outcome["agent"] for outcome in outcomes}),
            language=state["language"],
            degraded_because=degraded,
        )
        if self._settings.audit_content:
            question, answer = state.get("question", ""), state["answer"]
            hidden = self._personal.hidden
            run.trail.annotate(question=hidden(question), answer=hidden(answer))
        return Reply(
            answer=state["answer"],
            language=state["language"],
            agents=[
                AgentReport(name=o["agent"], question=o["question"], status=o["status"])
                for o in outcomes
            ],
            sources=[SourceRef(**source) for source in sources.values()],
            degraded=bool(degraded),
            degraded_because=degraded,
            approvals=[ApprovalRequest.from_call(o["call"]) for o in outcomes if "call" in o],
            notices=self._notices(state),
            usage=UsageReport(
                model_calls=usage.model_calls,
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
                cost_usd=usage.cost_usd,
            ),
            thread_id=config["configurable"][ThreadRef.CONFIG].thread_id,
            run_id=str(config["run_id"]),
        )

    def unanswered(self, message: str, run: Run) -> Reply:
        """The reply to a message that nobody got to."""
        language = self._detector.detect(message)
        return self.too_late(language, Messages.UNAVAILABLE.format(language), run)

    def too_late(self, language: Language, text: str, run: Run) -> Reply:
        """The reply when even the lesser ways took too long: a step of ours does not end."""
        log.error("deadline_passed", seconds=self._settings.request_timeout_seconds)
        plan = Plan(verdict="decline", tasks=[], text="")
        state = State(
            plan=plan,
            outcomes=[],
            language=language,
            answer=text,
            degraded=[Degraded.OUT_OF_TIME, Degraded.NOT_SAVED],
        )
        reply = self.from_state(state, run)
        run.trail.annotate(outcome=Degraded.OUT_OF_TIME)  # and nobody knows what has begun
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
        notices += [
            Messages.WITHDRAWN.format(language, call=it) for it in state.get("withdrawn", [])
        ]
        ages = [outcome["age_seconds"] for outcome in state["outcomes"] if "age_seconds" in outcome]
        if ages:
            minutes = ceil(max(ages) / SECONDS_PER_MINUTE)
            notices.append(Messages.KEPT.format(language, minutes=max(1, minutes)))
        return notices
