"""What waits for a person's decision: as a turn leaves it, and as its thread shows it."""

import time
from collections.abc import Sequence
from typing import Any, Final
from uuid import uuid4

import orjson
from langgraph.checkpoint.base import CheckpointTuple

from ..guards.approval import PendingToolCall
from ..guards.output import OutputGuard, OutputPolicy
from ..prompts.language import Language
from ..prompts.messages import Messages
from ..settings import Settings
from ..storage.store import Store
from ..storage.thread_ref import ThreadRef
from .state import PendingCall, Task, TaskResult


class PendingApprovals:
    """Makes the outcomes of calls that wait."""

    def __init__(self, settings: Settings, outgoing: OutputPolicy) -> None:
        self._ttl_seconds = settings.approval_ttl_seconds
        self._outgoing = outgoing

    def outcome(self, task: Task, call: PendingToolCall, language: Language) -> TaskResult:
        """What the answer says of `call`: that nothing has been done, and what it would be."""
        pending = PendingCall(
            id=uuid4().hex,
            agent=call.agent,
            tool=call.tool,
            arguments=call.arguments,
            shown=self._shown(call, task["question"]),
            expires_at=time.time() + self._ttl_seconds,
        )
        return TaskResult(
            agent=task["agent"],
            question=task["question"],
            text=Messages.WAITING.format(language, call=pending["shown"]),
            facts=[],
            sources=[],
            status="waiting",
            call=pending,
        )

    def _shown(self, call: PendingToolCall, question: str) -> str:
        """The call as a sentence holds it; its name alone where an answer may not hold its arguments.

        Markup or a stranger's link is in the reply's `approvals` only, where no page makes it live.
        """
        given = (f"{name}={orjson.dumps(it).decode()}" for name, it in call.arguments.items())
        shown = f"{call.name}({', '.join(given)})"
        guard = OutputGuard(self._outgoing, question, [])
        may_leave = guard.violation(shown) in (None, *OutputGuard.MENDABLE)
        is_whole = guard.masked(shown, is_counted=False) == shown
        return shown if may_leave and is_whole else call.name


class Approvals:
    """The calls that wait in the threads of a store."""

    INTERRUPT: Final = "__interrupt__"
    """Where LangGraph keeps what an interrupted thread waits for, beside its newest checkpoint."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @classmethod
    def pending(cls, found: CheckpointTuple | None) -> Sequence[PendingCall]:
        """The calls for which a thread waits, whatever has been decided since."""
        writes: Sequence[tuple[str, str, Any]] = (found and found.pending_writes) or ()
        return [
            call
            for _, channel, interrupts in writes
            if channel == cls.INTERRUPT
            for interrupt in interrupts
            for call in interrupt.value
        ]

    async def open(
        self, conversation: ThreadRef, found: CheckpointTuple | None
    ) -> list[PendingCall]:
        """Those that can still be decided."""
        return [
            call
            for call in self.pending(found)
            if not self.is_expired(call)
            and await self._store.find_reply(self.key(conversation, call["id"])) is None
        ]

    @staticmethod
    def is_expired(call: PendingCall) -> bool:
        """True when it has waited too long."""
        return call["expires_at"] <= time.time()

    @staticmethod
    def key(conversation: ThreadRef, approval_id: str) -> str:
        """Its decision in the store: of this thread alone, and no Idempotency-Key reads like it."""
        return f"{conversation.key} approval {approval_id}"
