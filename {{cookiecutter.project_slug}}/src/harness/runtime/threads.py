"""A thread: what of it is remembered, how its owner reads, rates and deletes it."""

import time
from collections.abc import Sequence
from typing import Final, Literal

import structlog
from pydantic import BaseModel, ConfigDict

from ..errors import InputRefused, RunUnknown, ThreadUnknown
from ..guards.personal_data import PiiRules
from ..settings import Settings
from ..storage.store import Feedback, Store
from ..storage.thread_ref import ThreadRef
from ..telemetry.langsmith import LangSmith
from ..telemetry.metrics import FEEDBACK
from ..telemetry.redaction import Redactor
from .proposals import Proposals
from .replies import ApprovalRequest
from .state import Turn


class History:
    """The last turns of a thread, bounded in number and in size: turn 200 costs what turn 2 did."""

    CHARS_PER_TOKEN: Final = 4
    """The same guess as LangChain's `count_tokens_approximately` (langchain-core 1.4)."""

    def __init__(self, max_turns: int, max_tokens: int) -> None:
        self._max_turns = max_turns
        self._max_chars = max_tokens * self.CHARS_PER_TOKEN

    def trimmed(self, turns: Sequence[Turn]) -> list[Turn]:
        """The newest turns that fit, the oldest of them first.

        The newest one stays whatever its size: without it no detail could be asked for.
        """
        newest: list[Turn] = []
        chars = 0
        for turn in reversed(turns[max(0, len(turns) - self._max_turns) :]):
            chars += len(turn["question"]) + len(turn["answer"])
            if newest and chars > self._max_chars:
                break
            newest.insert(0, turn)
        return newest if self._max_turns else []

    @staticmethod
    def transcript(turns: Sequence[Turn]) -> str:
        """The turns as a model reads them."""
        lines = (f"User: {turn['question']}\nService: {turn['answer']}" for turn in turns)
        return "\n".join(lines) or "-"


class Message(BaseModel):
    """One message of a conversation."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    role: Literal["assistant", "user"]
    text: str
    agents: list[str] = []
    """Who worked on an answer; empty for a question."""


class Thread(BaseModel):
    """What the service remembers of a conversation."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    thread_id: str
    updated_at: str
    """When its last turn ended, ISO 8601."""
    messages: list[Message]
    """The latest exchanges, oldest first; HISTORY_TURNS says how many are remembered."""
    approvals: list[ApprovalRequest] = []
    """What waits for a person's decision."""


class Threads:
    """Reads and deletes the conversations of a store."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._wait_seconds = settings.turn_wait_seconds
        self._store = store
        self._proposals = Proposals(store)

    async def read(self, thread: ThreadRef) -> Thread:
        """A conversation.

        Raises:
            ThreadUnknown: Its owner has none of this name.
            StoreUnavailable: The store is away.
        """
        saved = await self._store.saver.aget_tuple({"configurable": {"thread_id": thread.key}})
        if saved is None:
            raise ThreadUnknown(thread.thread_id)
        history: list[Turn] = saved.checkpoint["channel_values"].get("history", [])
        messages = []
        for turn in history:
            messages.append(Message(role="user", text=turn["question"]))
            messages.append(Message(role="assistant", text=turn["answer"], agents=turn["agents"]))
        pending = await self._proposals.open(thread, saved)
        return Thread(
            thread_id=thread.thread_id,
            updated_at=saved.checkpoint["ts"],
            messages=messages,
            approvals=[ApprovalRequest.from_call(call) for call in pending],
        )

    async def delete(self, thread: ThreadRef) -> None:
        """Delete a conversation and everything saved of it, once no request of it runs.

        Raises:
            ThreadUnknown: Its owner has none of this name.
            ThreadBusy: A request takes too long.
            StoreUnavailable: The store is away.
        """
        async with self._store.lock(Store.lock_name(thread.key), self._wait_seconds):
            await self._store.records.delete_thread(thread.key)  # also of what was refused, and is no thread
            await self.read(thread)
            await self._store.delete_thread(thread.key)


log = structlog.stdlib.get_logger(__name__)

Rating = Literal["up", "down", "1", "2", "3", "4", "5"]


class Ratings:
    """Saves one rating a run, the last one that its owner gave."""

    def __init__(self, settings: Settings, store: Store, redactor: Redactor, langsmith: LangSmith) -> None:
        self._max_chars = settings.feedback_comment_max_chars
        self._store = store
        self._redactor = redactor
        self._hidden = PiiRules(settings.personal_data_in).hidden
        self._langsmith = langsmith

    async def give(self, owner: str, run_id: str, rating: Rating, comment: str | None) -> None:
        """Save what `owner` thinks of the answer of a run.

        Secrets are taken out of the comment, and so is the personal data that PERSONAL_DATA_IN
        masks or refuses in a message.

        Raises:
            InputRefused: The comment is too long.
            RunUnknown: `owner` got no answer of this run, or it was not saved, or is deleted.
            StoreUnavailable: The store is away.
        """
        if comment and len(comment) > self._max_chars:
            raise InputRefused("comment", f"FEEDBACK_COMMENT_MAX_CHARS={self._max_chars}")
        thread_id = await self._store.find_thread(run_id)
        if thread_id is None or ThreadRef.from_key(thread_id).owner != owner:
            raise RunUnknown(run_id)
        text = self._hidden(self._redactor.text(comment)) if comment else None
        feedback = Feedback(run_id, thread_id, rating, text, time.time())
        if not await self._store.save_feedback(feedback):
            raise RunUnknown(run_id)
        FEEDBACK.labels(rating).inc()
        log.info("feedback", run_id=run_id, rating=rating, has_comment=text is not None)
        self._langsmith.send(feedback.run_id, rating, text)
