"""What a caller is told of a run, also of one that left nothing."""

from uuid import uuid4

import pytest
from langchain_core.runnables import RunnableConfig

from harness.limits.deadline import Deadline
from harness.models.call_recorder import Usage
from harness.models.factory import LLMFactory
from harness.runtime.replies import Replies, Run
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
def run() -> Run:
    conversation = ThreadRef("t", PUBLIC)
    config = RunnableConfig(configurable={ThreadRef.CONFIG: conversation}, run_id=uuid4())
    with AuditLog.scope(PUBLIC) as trail, Deadline.scope(5) as deadline:
        return Run(config, deadline, Usage(), trail)


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


def test_each_source_and_each_reason_is_told_once(replies: Replies, run: Run) -> None:
    reply = replies.from_state(state(MOONS, {**MOONS, "question": "Phobos"}), run)
    assert [source.url for source in reply.sources] == ["https://tables.example"]
    assert (reply.degraded, reply.degraded_because) == (True, ["kept_answer"])
    assert reply.thread_id == "t"
    assert reply.run_id == str(run.config["run_id"])


def test_what_was_hidden_and_how_old_an_answer_is_is_told(replies: Replies, run: Run) -> None:
    notices = replies.from_state(state(MOONS), run).notices
    assert any("Hidden in your message" in notice for notice in notices)
    assert any("2 min ago" in notice for notice in notices)


@pytest.mark.parametrize(
    ("message", "answer"),
    [("Moons of Mars", "I can't answer"), ("Lunas de Marte", "Ahora no puedo responder")],
)
def test_a_run_that_left_nothing_is_told_in_the_language_of_its_message(
    replies: Replies, run: Run, message: str, answer: str
) -> None:
    reply = replies.unanswered(message, run)
    assert reply.answer.startswith(answer)
    assert reply.degraded_because == ["not_saved", "out_of_time"]
