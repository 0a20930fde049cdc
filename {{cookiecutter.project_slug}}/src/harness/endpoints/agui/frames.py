"""A run as AG-UI events."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar
from uuid import uuid4

from ag_ui.core import (
    PROTOCOL_VERSION,
    BaseEvent,
    CustomEvent,
    EventType,
    Interrupt,
    RunErrorEvent,
    RunFinishedEvent,
    RunFinishedInterruptOutcome,
    RunFinishedSuccessOutcome,
    RunStartedEvent,
    StepFinishedEvent,
    StepStartedEvent,
    SubagentFinishedEvent,
    SubagentFinishedSuspendedOutcome,
    SubagentStartedEvent,
    TextMessageContentEvent,
    TextMessageEndEvent,
    TextMessageStartEvent,
    TokenUsage,
)

from ...http.failures import Failure
from ...http.streaming import Frames
from ...runtime.replies import Event
from .requests import RunRequest

AnyEvent = BaseEvent | Mapping[str, Any]


class SubAgents:
    """The agents at work: sub-agents of AG-UI 1.0; steps for a client that does not say its version."""

    def __init__(self, *, has_subagents: bool) -> None:
        self._has_subagents = has_subagents
        self._begun = 0
        self._open: list[tuple[str, str]] = []

    def start(self, task: Mapping[str, Any]) -> BaseEvent:
        """An agent begins with its task."""
        self._begun += 1
        agent = task["agent"]
        if self._has_subagents:
            self._open.append((agent, uuid4().hex))
            return SubagentStartedEvent(
                subagent_run_id=self._open[-1][1], name=agent, description=task.get("question") or None
            )
        is_again = agent in dict(self._open)  # names of steps that run side by side must differ
        self._open.append((agent, f"{agent} {self._begun}" if is_again else agent))
        return StepStartedEvent(step_name=self._open[-1][1])

    def finish(self, report: Mapping[str, Any]) -> Iterator[BaseEvent]:
        """The first of this name that is at work has ended."""
        for entry in [it for it in self._open if it[0] == report["agent"]][:1]:
            yield self._end(entry, report)

    def finish_all(self) -> Iterator[BaseEvent]:
        """Those whose end was not told, such as where the time was over: a run does not end before them."""
        for entry in [*self._open]:
            yield self._end(entry, {"status": "missing"})

    def _end(self, entry: tuple[str, str], report: Mapping[str, Any]) -> BaseEvent:
        self._open.remove(entry)
        if not self._has_subagents:
            return StepFinishedEvent(step_name=entry[1])
        result = {name: it for name, it in report.items() if name != "agent"}
        outcome = SubagentFinishedSuspendedOutcome() if report["status"] == "waiting" else None
        return SubagentFinishedEvent(subagent_run_id=entry[1], result=result, outcome=outcome)


class AGUIFrames(Frames):
    """The events of one run. What was withdrawn is taken out of the client's messages."""

    ELSEWHERE: ClassVar = frozenset({"answer", "approvals", "usage", "thread_id"})
    """Members of a `Reply` that events have a place for; the others are the run's `result`."""

    ANSWER: ClassVar = {
        "type": "object",
        "properties": {"approved": {"type": "boolean"}, "value": {}},
        "required": ["approved"],
    }
    """JSON schema of the answer to an interrupt."""

    def __init__(self, asked: RunRequest) -> None:
        """Those of the answer to `asked`."""
        self._asked = asked
        self._has_begun = False
        self._agents = SubAgents(has_subagents=asked.protocol_version is not None)
        self._message = ""
        self._sent = ""

    def of(self, event: Event) -> bytes:
        """`RUN_STARTED` before all others."""
        return b"".join(map(self._written, self._all(event)))

    def of_failure(self, failure: Failure) -> bytes:
        """`RUN_ERROR`."""
        error = RunErrorEvent(message=failure.text, code=failure.words.agui)
        return b"".join(map(self._written, [*self._withdrawn(), *self._agents.finish_all(), error]))

    @classmethod
    def _written(cls, event: AnyEvent) -> bytes:
        if isinstance(event, BaseEvent):
            return cls.frame(event.model_dump_json(by_alias=True, exclude_none=True).encode())
        return cls.frame(event)

    def _all(self, event: Event) -> Iterator[AnyEvent]:
        if not self._has_begun:
            self._has_begun = True
            yield RunStartedEvent(protocol_version=PROTOCOL_VERSION, **self._ids)
        data = event["data"]
        match event["event"]:
            case "agent_started":
                yield self._agents.start(data)
            case "agent_finished":
                yield from self._agents.finish(data)
            case "progress":
                yield CustomEvent(name="progress", value=data)
            case "token":
                yield from self._piece(data["text"])
            case "withdrawn":
                yield from self._withdrawn()
            case "final":
                yield from self._final(data)

    @property
    def _ids(self) -> dict[str, str]:
        return {"thread_id": self._asked.thread_id, "run_id": self._asked.run_id}

    def _piece(self, text: str) -> Iterator[AnyEvent]:
        if not text:
            return
        if not self._sent:
            self._message = uuid4().hex
            yield TextMessageStartEvent(message_id=self._message, role="assistant")
        self._sent += text
        yield TextMessageContentEvent(message_id=self._message, delta=text)

    def _withdrawn(self) -> Iterator[AnyEvent]:
        """The client's messages without the one that was begun."""
        if self._sent:
            yield TextMessageEndEvent(message_id=self._message)
            yield {"type": EventType.MESSAGES_SNAPSHOT, "messages": self._asked.messages}  # as they were sent
        self._sent = ""

    def _final(self, reply: Mapping[str, Any]) -> Iterator[AnyEvent]:
        yield from self._agents.finish_all()
        if self._sent.strip() != reply["answer"].strip():
            yield from self._withdrawn()
            yield from self._piece(reply["answer"])
        if self._sent:
            yield TextMessageEndEvent(message_id=self._message)
        interrupts = [*map(self._interrupt, reply["approvals"])]
        used = reply["usage"]
        yield RunFinishedEvent(
            **self._ids,
            outcome=RunFinishedInterruptOutcome(interrupts=interrupts) if interrupts else RunFinishedSuccessOutcome(),
            result={name: it for name, it in reply.items() if name not in self.ELSEWHERE},
            usage=[TokenUsage(input_tokens=used["input_tokens"], output_tokens=used["output_tokens"])],
        )

    @classmethod
    def _interrupt(cls, call: Mapping[str, Any]) -> Interrupt:
        return Interrupt(
            id=call["id"],
            reason="confirmation",
            message=f"{call['agent']}.{call['tool']}",
            expires_at=call["expires_at"],
            response_schema=cls.ANSWER,
            metadata={name: call[name] for name in ("agent", "tool", "arguments")},
        )
