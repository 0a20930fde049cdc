"""The write node: the agents' answers become one. Skipped when there is one answer only."""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langgraph.config import get_stream_writer

from ..guardrails.grounding import Grounding
from ..guardrails.sentences import SentenceGate
from ..llm.factory import LLMFactory
from ..prompts.writer import WRITER
from .reply import Event
from .state import Outcome, State

log = structlog.get_logger(__name__)

SEPARATOR = "\n\n"


class WriterScript:
    """What the embedded model says as writer: the agents' answers, one paragraph each."""

    def respond(self, messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        """The paragraphs after the question."""
        return AIMessage(SEPARATOR.join(str(message.content) for message in messages[2:]))


class Writer:
    """Writes the draft. Falls back on the agents' own words, one paragraph each."""

    def __init__(self, factory: LLMFactory) -> None:
        self._model: BaseChatModel | None = None
        if not factory.is_disabled:
            self._model = factory.for_role("writer", WriterScript())

    async def __call__(self, state: State) -> Mapping[str, Any]:
        """Write `draft`, and why it is a lesser one."""
        outcomes = Answers.in_order(state)
        if self._model is not None:
            draft = await self._ask_model(self._model, state, outcomes)
            if draft:
                return {"draft": draft}
        degraded = [] if self._model is None else ["writer_unavailable"]
        return {"draft": Answers.joined(outcomes), "degraded": degraded}

    @staticmethod
    async def _ask_model(model: BaseChatModel, state: State, outcomes: Sequence[Outcome]) -> str:
        """The model's text, its audited sentences streamed as they come; empty when it failed."""
        messages = [
            SystemMessage(WRITER.render(state["language"])),
            HumanMessage(state["question"]),
            *(HumanMessage(outcome["text"], name=outcome["agent"]) for outcome in outcomes),
        ]
        emit = get_stream_writer()
        gate = SentenceGate(Answers.grounding(state))
        draft = ""
        try:
            async for chunk in model.astream(messages, {"metadata": WRITER.metadata}):
                draft += chunk.text
                for sentence in gate.feed(chunk.text):
                    emit(Event(event="token", data={"text": sentence}))
        except Exception as failure:  # noqa: BLE001 - see below
            # Providers raise far more than their own errors; the agents' answers are there.
            log.warning("write_failed", reason=type(failure).__name__)
            return ""
        for sentence in gate.rest():
            emit(Event(event="token", data={"text": sentence}))
        return draft.strip()


class Answers:
    """The outcomes of a turn read together."""

    @staticmethod
    def in_order(state: State) -> list[Outcome]:
        """The outcomes in the order in which the message asked for them."""
        order = [(task["agent"], task["question"]) for task in state["plan"]["tasks"]]
        return sorted(state["outcomes"], key=lambda o: order.index((o["agent"], o["question"])))

    @staticmethod
    def joined(outcomes: Sequence[Outcome]) -> str:
        """The agents' own answers, one paragraph each."""
        return SEPARATOR.join(outcome["text"] for outcome in outcomes)

    @staticmethod
    def grounding(state: State) -> Grounding:
        """Everything that this turn's answer may state figures from."""
        outcomes = state["outcomes"]
        asked = [outcome["text"] for outcome in outcomes if outcome["status"] != "answered"]
        return Grounding([state["question"], asked, [outcome["facts"] for outcome in outcomes]])
