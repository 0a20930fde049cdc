"""Per-thread lock, idempotency keys and store-failure handling for one request."""

import hashlib
import json
import time
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager

from langchain_core.runnables import RunnableConfig

from ..errors import ApprovalDecided, ApprovalExpired, ApprovalUnknown, InputRefused, StoreUnavailable
from ..limits.deadline import Deadline
from ..prompts.language import Language
from ..run_context import RunContext
from ..settings import Settings
from ..storage.persistence import PersistenceStatus
from ..storage.store import IdempotencyRecord, Store
from ..storage.thread_ref import ThreadRef
from ..telemetry.audit_log import AuditLog
from ..telemetry.metrics import ANSWERS, ANSWERS_DEGRADED, QUEUE_LENGTH
from .approvals import Approvals
from .proposals import Proposals
from .replies import Degraded, Reply
from .state import Decision, PendingCall


class ThreadSession:
    """One request of one thread, which no other request of the thread runs beside."""

    def __init__(self, store: Store, ttl_seconds: float, thread: ThreadRef, text: str, key: str | None) -> None:
        """The request with `text`; its reply is saved under `key` for `ttl_seconds`."""
        self._store = store
        self._ttl_seconds = ttl_seconds
        self._thread = thread
        self._key = key
        self.fingerprint = hashlib.sha256(f"{thread.thread_id}\0{text}".encode()).hexdigest()
        """Two requests under one key are the same when their fingerprints are."""

        self.cached_reply: Reply | None = None
        """The reply, when the same request was answered before."""

        self.shown_before: Collection[str] = ()
        """Ids of the calls that waited before this request: they were shown then, or never."""

    async def finish(self, reply: Reply) -> Reply:
        """The reply as it leaves: saved for the next try, or marked as not saved.

        The calls that it shows, and no others, can be approved from now on.
        """
        status = RunContext.current().persistence
        if not (status and status.failed):
            new = [it for it in reply.approvals if it.id not in self.shown_before]
            await Proposals(self._store).save(self._thread, new)
        is_saved = not (status and status.failed)
        if self._key and is_saved and Degraded.NOT_SAVED not in reply.degraded_because:
            expires_at = time.time() + self._ttl_seconds
            await self._store.save_reply(self._record(reply.model_dump_json(), expires_at))
            is_saved = not (status and status.failed)
        leaving = reply if is_saved else reply.unsaved()
        ANSWERS.labels(str(leaving.degraded).lower()).inc()
        for reason in leaving.degraded_because:
            ANSWERS_DEGRADED.labels(reason).inc()
        return leaving

    def _record(self, reply: str, expires_at: float) -> IdempotencyRecord:
        key = self._key or ""
        return IdempotencyRecord(key, self._thread.key, self.fingerprint, reply, expires_at)


class DecisionSession(ThreadSession):
    """A person's decision about a call that waits."""

    call: PendingCall
    language: Language
    unresolved: list[str]
    """Other calls of the thread that were decided and still seem to wait; see `Decision`."""

    def check(self, decision: Decision) -> None:
        """Pass a value for a call that asks for one; raises InputRefused."""
        if "value" in decision and self.call.get("form") != "value":
            raise InputRefused("value", "this call asks for none: approve or reject it as it was shown")

    async def claim(self) -> None:
        """Have the decision count from now on, whatever happens to this process.

        It is marked for longer than its call could be decided.

        Raises:
            ApprovalDecided: Another one counts already.
            ApprovalUnknown: Nobody was shown this call, or not with these arguments.
            StoreUnavailable: It cannot be said.
        """
        expires_at = self.call["expires_at"] + self._ttl_seconds
        shown = Proposals.of(self._thread, self.call)
        if not await self._store.claim(self._record("", expires_at), shown):
            if await self._store.find_reply(self._key or ""):
                raise ApprovalDecided
            AuditLog.record("approval", "refused", "never_shown")
            raise ApprovalUnknown


class Sessions:
    """Opens the session of each request."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._store = store
        self._wait_seconds = settings.turn_wait_seconds
        self._request_seconds = settings.request_timeout_seconds
        self._ttl_seconds = settings.idempotency_ttl_seconds

    @asynccontextmanager
    async def open(self, message: str, thread: ThreadRef, idempotency_key: str | None) -> AsyncIterator[ThreadSession]:
        """One request at a time per thread; a repeated Idempotency-Key returns the saved reply.

        Raises:
            ThreadBusy: The request before, or an earlier try of the same one, takes too long.
            InputRefused: The key belongs to another request.
        """
        key = thread.request_key(idempotency_key) if idempotency_key else None
        session = ThreadSession(self._store, self._ttl_seconds, thread, message, key)
        async with self._request(thread) as locks:
            if key:
                await self._lock(locks, f"key {key}")
                if record := await self._store.find_reply(key):
                    if record.request != session.fingerprint:
                        remedy = "it was used for another request; make a new one"
                        raise InputRefused("Idempotency-Key", remedy)
                    session.cached_reply = Reply.model_validate_json(record.reply)
            if session.cached_reply is None:
                await self._lock(locks, Store.lock_name(thread.key))
            yield session

    @asynccontextmanager
    async def open_decision(self, decision: Decision, thread: ThreadRef) -> AsyncIterator[DecisionSession]:
        """The session of a decision; the same decision again returns its reply.

        Raises:
            ThreadBusy: The request before takes too long.
            ApprovalUnknown: Nothing waits under this id in this conversation.
            ApprovalDecided: It was decided the other way, or nobody knows what became of it.
            ApprovalExpired: It has waited too long.
            StoreUnavailable: The store is away; without it nothing is carried out.
        """
        key = Approvals.key(thread, decision["id"])
        decided = decision["verdict"] + (json.dumps(decision["value"]) if "value" in decision else "")
        session = DecisionSession(self._store, self._ttl_seconds, thread, decided, key)
        async with self._request(thread) as locks:
            await self._lock(locks, Store.lock_name(thread.key))
            record = await self._store.find_reply(key)
            if record and (record.request != session.fingerprint or not record.reply):
                raise ApprovalDecided
            if record:
                session.cached_reply = Reply.model_validate_json(record.reply)
            else:
                await self._load(session, decision["id"], thread)
            yield session

    async def decided(self, approval_id: str, thread: ThreadRef) -> Reply | None:
        """The reply to the decision about a call, as long as it is saved."""
        record = await self._store.find_reply(Approvals.key(thread, approval_id))
        return Reply.model_validate_json(record.reply) if record and record.reply else None

    async def _load(self, session: DecisionSession, call_id: str, thread: ThreadRef) -> None:
        """Read the call to be decided off its thread."""
        config = RunnableConfig(configurable={"thread_id": thread.key})
        saved = await self._store.saver.aget_tuple(config)
        calls = {call["id"]: call for call in Approvals.pending(saved)}
        keys = {it: Approvals.key(thread, it) for it in calls if it != call_id}
        session.unresolved = [it for it, key in keys.items() if await self._store.find_reply(key)]
        if (status := RunContext.current().persistence) and status.failed:
            raise StoreUnavailable("no decision without it")
        if saved is None or call_id not in calls:
            raise ApprovalUnknown
        stated = [it.get("call") for it in saved.checkpoint["channel_values"]["outcomes"]]
        if calls[call_id] not in stated:  # it would run otherwise than it is shown
            raise ApprovalUnknown
        session.call = calls[call_id]
        session.shown_before = calls.keys()
        session.language = saved.checkpoint["channel_values"]["language"]
        if Approvals.is_expired(session.call):
            with AuditLog.scope(thread.owner):
                AuditLog.record("approval", "refused", "expired")
            raise ApprovalExpired

    @asynccontextmanager
    async def _request(self, thread: ThreadRef) -> AsyncIterator[AsyncExitStack]:
        """The locks of a request. From here on store failures are recorded instead of raised."""
        deadline = Deadline.after(self._request_seconds)
        status = PersistenceStatus()
        with RunContext.scope(thread=thread, deadline=deadline, persistence=status):
            async with AsyncExitStack() as locks:
                yield locks

    async def _lock(self, locks: AsyncExitStack, name: str) -> None:
        wait_seconds = Deadline.clamp(self._wait_seconds)
        with QUEUE_LENGTH.labels("threads").track_inprogress():
            await locks.enter_async_context(self._store.lock(name, wait_seconds))
