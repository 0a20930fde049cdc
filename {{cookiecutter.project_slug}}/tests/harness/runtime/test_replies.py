"""What a caller is told of a run, also of one that left nothing."""

import pytest

from harness.errors import BudgetExceeded, InputRefused, ModelUnavailable, PolicyViolation, SourceUnavailable
from harness.models.factory import LLMFactory
from harness.run_context import RunContext
from harness.runtime.replies import Degraded, Replies, Reply
from harness.runtime.state import Plan, State, Task, TaskResult
from harness.settings import Settings
from harness.storage.thread_ref import PUBLIC, ThreadRef
from harness.telemetry.audit_log import AuditLog

MOONS = TaskResult(
    agent="moons",
    question="Mars",
    text="mars has 2 moons.",
    facts=[],
    sources=[{"title": "Table", "url": "https://tables.example"}],
    status="answered",
    age_seconds=61.0,
)


@pytest.fixture
def run() -> RunContext:
    return RunContext(run_id="r", thread=ThreadRef("t", PUBLIC))


@pytest.fixture
def replies(settings: Settings) -> Replies:
    return Replies(settings, LLMFactory(settings))


def state(*outcomes: TaskResult) -> State:
    tasks = [Task(agent=it["agent"], question=it["question"]) for it in outcomes]
    return State(
        plan=Plan(verdict="work", tasks=tasks, text=""),
        outcomes=[*outcomes],
        language="en",
        answer="mars has 2 moons.",
        degraded=["kept_answer", "kept_answer"],
        masked=["email"],
    )


def test_each_source_and_each_reason_is_told_once(replies: Replies, run: RunContext) -> None:
    reply = replies.from_state(state(MOONS, {**MOONS, "question": "Phobos"}), run)
    assert [source.url for source in reply.sources] == ["https://tables.example"]
    assert (reply.degraded, reply.degraded_because) == (True, ["kept_answer"])
    assert reply.thread_id == "t"
    assert reply.run_id == "r"


@pytest.mark.checklist("INJ-3")
def test_the_audit_line_holds_neither_the_callers_nor_a_tools_personal_data(
    settings: Settings, run: RunContext
) -> None:
    card, iban = "4111 1111 1111 1111", "ES91 2100 0418 4502 0005 1332"
    told = settings.model_copy(update={"audit_content": True, "personal_data_in": "card:mask,iban:mask"})
    left = {**state(MOONS), "question": f"Whose is {card}?", "answer": f"Hers, with {iban} and {card}."}
    with AuditLog.scope("a") as audit:
        Replies(told, LLMFactory(told)).from_state(State(**left), run)  # type: ignore[typeddict-item] # of State's keys
    assert audit.fields["question"] == "Whose is [card]?"
    assert audit.fields["answer"] == "Hers, with [iban] and [card]."


def test_what_was_hidden_and_how_old_an_answer_is_is_told(replies: Replies, run: RunContext) -> None:
    notices = replies.from_state(state(MOONS), run).notices
    assert any("Hidden in your message" in notice for notice in notices)
    assert any("2 min ago" in notice for notice in notices)


@pytest.mark.parametrize(
    ("message", "answer"), [("Moons of Mars", "I can't answer"), ("Lunas de Marte", "Ahora no puedo responder")]
)
def test_a_run_that_left_nothing_is_told_in_the_language_of_its_message(
    replies: Replies, run: RunContext, message: str, answer: str
) -> None:
    reply = replies.unanswered(message, run)
    assert reply.answer.startswith(answer)
    assert reply.degraded_because == ["not_saved", "out_of_time"]


def test_the_reasons_are_the_documented_ones() -> None:
    reasons = {value for name, value in vars(Degraded).items() if name.isupper()}
    reasons.remove(Degraded.TIMEOUT)  # a chain's word, not a caller's
    assert reasons == {
        "llm_disabled",
        "ungrounded",
        "wrong_language",
        "unsafe_answer",
        "kept_answer",
        "source_unavailable",
        "agent_failed",
        "out_of_time",
        "over_budget",
        "cut_answer",
        "not_saved",
        "unusable_plan",
        "doubtful_decline",
        "incomplete_draft",
    }


@pytest.mark.parametrize(
    ("failure", "cause"),
    [
        (ModelUnavailable("agent", "breaker_open"), []),
        (AttributeError("a 200 with HTML"), []),
        (TimeoutError(), ["out_of_time"]),
        (ModelUnavailable("agent", "timeout"), ["out_of_time"]),
        (BudgetExceeded("tokens", 1, "RUN_MAX_TOKENS"), ["over_budget"]),
    ],
)
def test_a_model_that_gave_nothing_is_named_with_its_role_and_our_own_cause(
    failure: Exception, cause: list[str]
) -> None:
    assert Degraded.reasons_for("writer", failure) == ["writer_unavailable", *cause]


def test_the_schema_describes_what_a_caller_must_know() -> None:
    fields = Reply.model_json_schema()["properties"]
    for name in ("answer", "degraded", "degraded_because", "notices", "thread_id", "run_id"):
        assert len(fields[name]["description"]) > 20


@pytest.mark.parametrize(
    ("failure", "reasons"),
    [
        (SourceUnavailable("tides", "away"), ["source_unavailable"]),
        (PolicyViolation("host", "elsewhere.example"), ["source_unavailable"]),
        (ModelUnavailable("agent", "timeout"), ["model_unavailable", "out_of_time"]),
        (BudgetExceeded("tool calls", 3, "RUN_MAX_TOOL_CALLS"), ["over_budget"]),
        (InputRefused("name", "too long"), []),
        (RuntimeError("hunter2"), ["agent_failed"]),
    ],
    ids=lambda it: type(it).__name__,
)
def test_a_tool_that_failed_is_a_reason_unless_the_model_asked_for_what_may_not_be(
    failure: Exception, reasons: list[str]
) -> None:
    assert Degraded.reasons_of_tool(failure) == reasons
