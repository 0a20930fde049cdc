"""A turn: its thread is held by nobody else, it runs once for its key, and it may go unsaved."""

import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from langchain_core.runnables import RunnableConfig

from ..errors import (
    ApprovalDecided,
    ApprovalExpired,
    ApprovalUnknown,
    InputRefused,
    StoreUnavailable,
)
from ..limits.deadline import Deadline
from ..prompts.language import Language
from ..prompts.messages import Messages
from ..settings import Settings
from ..storage.saving import PersistenceStatus
from ..storage.store import IdempotencyRecord, Store
from ..storage.thread_ref import ThreadRef
from ..telemetry.audit_log import AuditLog
from ..telemetry.metrics import ANSWERS, ANSWERS_DEGRADED, QUEUE_LENGTH
from .approvals import Approvals
from .degraded import Degraded
from .reply import Reply
from .state import Decision, PendingCall


class SessionRequest:
    """What a turn answers; two requests are the same when their fingerprints are."""

    def __init__(self, message: str, conversation: ThreadRef, key: str | None) -> None:
        """`message` under `key`, as the store knows it."""
        self.thread_key = conversation.key
        self.key = key
        text = f"{conversation.thread_id}\0{message}"
        self.fingerprint = hashlib.sha256(text.encode()).hexdigest()


class ThreadSession:
    """One message of one thread, from its first to its last moment."""

    def __init__(
        self, turns: "Sessions", request: SessionRequest, saving: PersistenceStatus
    ) -> None:
        self._turns = turns
        self._request = request
        self._saving = saving
        self.known: Reply | None = None
        """The reply, when the same request was answered before."""

    async def finish(self, reply: Reply) -> Reply:
        """The reply as it leaves: kept for the next try, or marked when nothing is kept of it."""
        if Degraded.NOT_SAVED not in reply.degraded_because and not self._saving.failed_to_save:
            await self._turns.save_reply(self._request, reply)
        leaving = self._marked(reply) if self._saving.failed_to_save else reply
        ANSWERS.labels(str(leaving.degraded).lower()).inc()
        for reason in leaving.degraded_because:
            ANSWERS_DEGRADED.labels(reason).inc()
        return leaving

    @staticmethod
    def _marked(reply: Reply) -> Reply:
        because = sorted({*reply.degraded_because, Degraded.NOT_SAVED})
        notices = [*reply.notices, Messages.NOT_SAVED.format(reply.language)]
        changes = {"degraded": True, "degraded_because": because, "notices": notices}
        # What is not saved cannot be approved.
        return reply.model_copy(update=changes | {"approvals": []})


class DecisionSession(ThreadSession):
    """One decision about a call that waits."""

    call: PendingCall
    language: Language
    lost: list[str]
    """Other calls of the thread that were decided and still seem to wait; see `Decision`."""

    async def claim(self) -> None:
        """Have the decision count from now on, whatever happens to this process.

        Raises:
            ApprovalDecided: Another one counts already.
            StoreUnavailable: It cannot be said.
        """
        await self._turns.claim(self._request, self.call)


class Sessions:
    """Gives every message its turn."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._store = store
        self._wait_seconds = settings.turn_wait_seconds
        self._request_seconds = settings.request_timeout_seconds
        self._ttl_seconds = settings.idempotency_ttl_seconds

    @asynccontextmanager
    async def open(
        self, message: str, conversation: ThreadRef, idempotency_key: str | None
    ) -> AsyncIterator[ThreadSession]:
        """The turn of one message, alone in its thread while entered.

        Raises:
            ThreadBusy: The turn before, or an earlier try of the same request, takes too long.
            InputRefused: The key belongs to another request.
        """
        key = conversation.request_key(idempotency_key) if idempotency_key else None
        request = SessionRequest(message, conversation, key)
        with PersistenceStatus.scope() as saving, Deadline.scope(self._request_seconds):
            async with AsyncExitStack() as held:
                turn = ThreadSession(self, request, saving)
                if request.key:
                    await self._hold(held, f"key {request.key}")
                    turn.known = await self._known(request)
                if turn.known is None:
                    await self._hold(held, Store.name_of(request.thread_key))
                yield turn

    @asynccontextmanager
    async def open_decision(
        self, decision: Decision, conversation: ThreadRef
    ) -> AsyncIterator[DecisionSession]:
        """The turn of a decision, alone in its thread while entered; the same again gets its reply.

        Raises:
            ThreadBusy: The turn before takes too long.
            ApprovalUnknown: Nothing waits under this id in this conversation.
            ApprovalDecided: It was decided the other way, or nobody knows what became of it.
            ApprovalExpired: It has waited too long.
            StoreUnavailable: The store is away; without it nothing is carried out.
        """
        key = Approvals.key(conversation, decision["id"])
        request = SessionRequest(decision["verdict"], conversation, key)
        with PersistenceStatus.scope() as saving, Deadline.scope(self._request_seconds):
            async with AsyncExitStack() as held:
                await self._hold(held, Store.name_of(request.thread_key))
                turn = DecisionSession(self, request, saving)
                kept = await self._store.find_reply(key)
                if kept and (kept.request != request.fingerprint or not kept.reply):
                    raise ApprovalDecided
                if kept:
                    turn.known = Reply.model_validate_json(kept.reply)
                else:
                    await self._find(turn, decision, conversation, saving)
                yield turn

    async def _find(
        self,
        turn: DecisionSession,
        decision: Decision,
        conversation: ThreadRef,
        saving: PersistenceStatus,
    ) -> None:
        config = RunnableConfig(configurable={"thread_id": conversation.key})
        found = await self._store.saver.aget_tuple(config)
        calls = {call["id"]: call for call in Approvals.pending(found)}
        keys = {it: Approvals.key(conversation, it) for it in calls if it != decision["id"]}
        turn.lost = [it for it, key in keys.items() if await self._store.find_reply(key)]
        if saving.failed_to_save:
            raise StoreUnavailable("no decision without it")
        if found is None or decision["id"] not in calls:
            raise ApprovalUnknown
        turn.call = calls[decision["id"]]
        turn.language = found.checkpoint["channel_values"]["language"]
        if Approvals.is_expired(turn.call):
            with AuditLog.scope(conversation.owner):
                AuditLog.record("approval", "refused", "expired")
            raise ApprovalExpired

    async def claim(self, request: SessionRequest, call: PendingCall) -> None:
        """Mark a decision as taken, for longer than its call could be decided; see `DecisionSession`."""
        kept_until = call["expires_at"] + self._ttl_seconds
        kept = IdempotencyRecord(
            request.key or "", request.thread_key, request.fingerprint, "", kept_until
        )
        if not await self._store.claim(kept):
            raise ApprovalDecided

    async def save_reply(self, request: SessionRequest, reply: Reply) -> None:
        """Keep the reply to a request that has a key."""
        if request.key:
            kept_until = time.time() + self._ttl_seconds
            kept = IdempotencyRecord(
                request.key,
                request.thread_key,
                request.fingerprint,
                reply.model_dump_json(),
                kept_until,
            )
            await self._store.save_reply(kept)

    async def _known(self, request: SessionRequest) -> Reply | None:
        kept = await self._store.find_reply(request.key or "")
        if kept is None:
            return None
        if kept.request != request.fingerprint:
            raise InputRefused("Idempotency-Key", "it was used for another request; make a new one")
        return Reply.model_validate_json(kept.reply)

    async def _hold(self, held: AsyncExitStack, name: str) -> None:
        wait_seconds = Deadline.clamp(self._wait_seconds)
        with QUEUE_LENGTH.labels("threads").track_inprogress():
            await held.enter_async_context(self._store.lock(name, wait_seconds))
