"""The write node: the agents' answers become one. Skipped when there is one answer only."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import structlog
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langgraph.config import get_stream_writer

from ..errors import ModelUnavailable
from ..guards.output import OutputGuard, OutputPolicy
from ..guards.sentence_buffer import SentenceBuffer
from ..limits.budget import Budget
from ..limits.deadline import Deadline, DeadlineFraction
from ..models.factory import LLMFactory
from ..prompts.writer import WRITER
from .correction import Correction
from .degraded import Degraded
from .reply import Event
from .state import State, TaskResult

log = structlog.get_logger(__name__)

SEPARATOR = "\n\n"


class WriterScript:
    """What the embedded model says as writer: the agents' answers, one paragraph each."""

    def respond(self, messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        """The paragraphs after the question."""
        return AIMessage(SEPARATOR.join(str(message.content) for message in messages[2:]))


class Writer:
    """Writes the draft; an empty one when it cannot, then the agents' own words are the answer."""

    def __init__(self, factory: LLMFactory, outgoing: OutputPolicy) -> None:
        self._outgoing = outgoing
        self._model: BaseChatModel | None = None
        if not factory.is_disabled:
            self._model = factory.for_role("writer", WriterScript())

    async def __call__(self, state: State) -> Mapping[str, Any]:
        """Write `draft`, and why it is a lesser one."""
        outcomes = Answers.in_order(state)
        # A model could say of what waits for a person that it is done.
        if self._model is None or any("call" in outcome for outcome in outcomes):
            return {"draft": ""}
        guard = Answers.guard(state, self._outgoing)
        stream = DraftStream(guard)
        try:
            async with Deadline.until(DeadlineFraction.WRITE):
                messages = self._messages(state, outcomes)
                draft = await self._ask_model(self._model, messages, stream)
                if refusal := stream.mendable:
                    stream = DraftStream(guard)
                    mend = Correction.message(refusal, guard.unsupported(draft), state["language"])
                    messages += [AIMessage(draft), mend]
                    draft = await self._ask_model(self._model, messages, stream)
                    if stream.is_open:
                        guard.corrected(refusal, "writer")
        except Exception as failure:  # noqa: BLE001 - see below
            # Providers raise far more than their own errors; the agents' answers are there.
            log.warning("write_failed", reason=type(failure).__name__)
            degraded = Degraded.reasons_for("writer", failure)
            own_words = Answers.joined(outcomes) if stream.withdraw(degraded[0]) else ""
            return {"draft": own_words, "degraded": degraded}
        return {"draft": draft}

    @staticmethod
    def _messages(state: State, outcomes: Sequence[TaskResult]) -> list[BaseMessage]:
        return [
            SystemMessage(WRITER.render(state["language"])),
            HumanMessage(state["question"]),
            *(HumanMessage(outcome["text"], name=outcome["agent"]) for outcome in outcomes),
        ]

    @staticmethod
    async def _ask_model(
        model: BaseChatModel, messages: Sequence[BaseMessage], stream: "DraftStream"
    ) -> str:
        """The model's text, its audited sentences streamed as they come."""
        Budget.take_model_call()
        draft = ""
        async for chunk in model.astream([*messages], {"metadata": WRITER.metadata}):
            draft += chunk.text
            stream.send(chunk.text)
        if not draft.strip():
            raise ModelUnavailable("writer", "said nothing")
        stream.close()
        return draft.strip()


class DraftStream:
    """The draft on its way out while it is written: whole sentences, each one audited first."""

    def __init__(self, guard: OutputGuard) -> None:
        self._gate = SentenceBuffer(guard)
        self._emit = get_stream_writer()
        self._has_sent = False

    def send(self, piece: str) -> None:
        """Let out the sentences that `piece` completes."""
        self._let_out(self._gate.feed(piece))

    def close(self) -> None:
        """Let out what is left."""
        self._let_out(self._gate.rest())

    @property
    def mendable(self) -> str | None:
        """Why nothing is out yet and another attempt may be; None when there is no such reason."""
        refusal = self._gate.refusal
        return None if self._has_sent or refusal not in OutputGuard.MENDABLE else refusal

    @property
    def is_open(self) -> bool:
        """True while everything has passed."""
        return self._gate.refusal is None

    def withdraw(self, because: str) -> bool:
        """Take back what is out, if anything is: another answer comes, and not in this stream."""
        if self._has_sent:
            self._emit(Event(event="withdrawn", data={"because": because}))
        return self._has_sent

    def _let_out(self, sentences: Iterable[str]) -> None:
        for sentence in sentences:
            self._has_sent = True
            self._emit(Event(event="token", data={"text": sentence}))


class Answers:
    """The outcomes of a turn read together."""

    @staticmethod
    def in_order(state: State) -> list[TaskResult]:
        """The outcomes in the order in which the message asked for them."""
        order = [(task["agent"], task["question"]) for task in state["plan"]["tasks"]]
        return sorted(state["outcomes"], key=lambda o: order.index((o["agent"], o["question"])))

    @staticmethod
    def joined(outcomes: Sequence[TaskResult]) -> str:
        """The agents' own answers, one paragraph each."""
        return SEPARATOR.join(outcome["text"] for outcome in outcomes)

    @staticmethod
    def guard(state: State, outgoing: OutputPolicy) -> OutputGuard:
        """What this turn's answer is held against."""
        outcomes = state["outcomes"]
        asked = [outcome["text"] for outcome in outcomes if outcome["status"] != "answered"]
        facts = [outcome["facts"] for outcome in outcomes]
        sources = [source for outcome in outcomes for source in outcome["sources"]]
        return OutputGuard(
            outgoing,
            state["question"],
            [asked, facts],
            [source["url"] for source in sources],
            said=[*(it["text"] for it in outcomes), *(source["title"] for source in sources)],
            language=state["language"],
        )
