"""How an endpoint reaches conversations: the only way there is for one, whatever protocol it speaks."""

import hashlib
import re
from typing import TYPE_CHECKING, Literal
from uuid import uuid4

import structlog

from ..auth.authenticator import Authenticator
from ..auth.principal import Principal, Scope
from ..errors import InputRefused, ScopeMissing
from ..runtime.access import Access
from ..runtime.replies import Reply
from ..runtime.state import Decision
from ..runtime.threads import Rating, Thread
from ..storage.memories import Memories
from ..storage.records import Record, Records
from .failures import Form
from .run_stream import RunStream

if TYPE_CHECKING:
    from .state import AppState


class Gateway:
    """What one endpoint may do, on behalf of a caller: what its `access.toml` grants it, and the caller's scopes.

    A caller's texts are held to the same forms at every endpoint, and a thread is always the caller's own.
    Each method raises what `Service` does, ScopeMissing for a caller without the scope of what is touched,
    InputRefused for an id of another form, and PermissionError where the endpoint has no grant: a bug of ours.
    """

    def __init__(self, running: "AppState", endpoint: str) -> None:
        """The way of `endpoint`, by its name."""
        self._running = running
        self._endpoint = endpoint
        self._access = Access.endpoints()[endpoint]

    @classmethod
    def thread_id(cls, given: str | None, idempotency_key: str | None = None) -> str:
        """The thread that is named, or a new one: for a second try with the same key, the same. It is in the log."""
        new = uuid4().hex
        if idempotency_key:
            cls._check("Idempotency-Key", Form.IDEMPOTENCY_KEY, idempotency_key)
            new = hashlib.sha256(idempotency_key.encode()).hexdigest()[: len(new)]
        thread_id = given or new
        cls._check("thread_id", Form.THREAD_ID, thread_id)
        structlog.contextvars.bind_contextvars(thread_id=thread_id)
        return thread_id

    async def ask(
        self,
        caller: Principal,
        message: str,
        thread_id: str | None = None,
        *,
        idempotency_key: str | None = None,
        only: str = "",
    ) -> Reply:
        """The reply. The run goes on when the caller leaves; it ends with the process."""
        self._require(caller, "message")
        self._check("message", Form.MESSAGE, message)
        thread = caller.conversation(self.thread_id(thread_id, idempotency_key))
        with self._running.shutdown.request():
            return await self._running.service.ask(message, thread, idempotency_key=idempotency_key, only=only)

    def stream(
        self,
        caller: Principal,
        message: str,
        thread_id: str | None = None,
        *,
        idempotency_key: str | None = None,
        only: str = "",
    ) -> RunStream:
        """The run, started: its events, `final` with the data of a `Reply` last. Close it, and it ends."""
        self._require(caller, "message")
        self._check("message", Form.MESSAGE, message)
        thread = caller.conversation(self.thread_id(thread_id, idempotency_key))
        service = self._running.service
        events = service.stream(message, thread, idempotency_key=idempotency_key, only=only)
        return RunStream(events, self._running.shutdown)

    async def decide(self, caller: Principal, decision: Decision, thread_id: str) -> Reply:
        """The reply to the message whose call was decided. It goes on when the caller leaves."""
        self._require(caller, "decision")
        self._check("approval", Form.APPROVAL_ID, decision["id"])
        thread = caller.conversation(self.thread_id(thread_id))
        with self._running.shutdown.request():
            return await self._running.service.decide(decision, thread)

    async def decided(self, caller: Principal, approval_id: str, thread_id: str) -> Reply | None:
        """The reply to a call that was decided, by whatever endpoint; None while it waits, and once it is forgotten."""
        self._require(caller, "message", "reads")
        return await self._running.service.decided(approval_id, caller.conversation(thread_id))

    async def read(self, caller: Principal, thread_id: str) -> Thread:
        """A conversation, as it is remembered."""
        self._require(caller, "history", "reads")
        return await self._running.threads.read(caller.conversation(self.thread_id(thread_id)))

    async def delete(self, caller: Principal, thread_id: str) -> None:
        """Delete a conversation with all that was kept of it, also by other endpoints."""
        self._require(caller, "history")
        await self._running.threads.delete(caller.conversation(self.thread_id(thread_id)))

    async def rate(self, caller: Principal, run_id: str, rating: Rating, comment: str | None) -> None:
        """Keep what the caller thinks of an answer."""
        self._require(caller, "feedback")
        await self._running.ratings.give(caller.id, run_id, rating, comment)

    def memories(self, caller: Principal, way: Literal["reads", "writes"]) -> Memories:
        """What agents remember; ask it for `caller.id` alone."""
        self._require(caller, "memories", way)
        return self._running.store.memories

    def records(self, caller: Principal) -> "OwnRecords":
        """What the endpoint keeps for this caller."""
        self._require(caller, "records")
        return OwnRecords(self._running.store.records, self._endpoint, caller)

    def _require(self, caller: Principal, part: str, way: Literal["reads", "writes"] = "writes") -> None:
        if part not in getattr(self._access, way):
            raise PermissionError(f"endpoint {self._endpoint} {way} no {part}: grant it in its access.toml")
        try:
            caller.require_scope(Scope(Access.scopes()[part]))
        except ScopeMissing as refusal:
            Authenticator.record_refusal(refusal.code)
            raise

    @staticmethod
    def _check(field: str, form: str, text: str) -> None:
        if not re.fullmatch(form, text):
            raise InputRefused(field, Form.WORDS[form])


class OwnRecords:
    """The records of one endpoint for one caller."""

    def __init__(self, records: Records, endpoint: str, caller: Principal) -> None:
        self._records = records
        self._endpoint = endpoint
        self._caller = caller

    def new(self, key: str, thread_id: str, value: str) -> Record:
        """A record of the caller's thread, not saved yet."""
        return Record(self._endpoint, self._caller.id, key, self._caller.conversation(thread_id).key, value)

    async def find(self, key: str) -> Record | None:
        """The record of this key."""
        return await self._records.find(self._endpoint, self._caller.id, key)

    async def list(self, limit: int, before: float = float("inf")) -> list[Record]:
        """The newest ones."""
        return [*await self._records.list(self._endpoint, self._caller.id, limit, before)]

    async def save(self, record: Record) -> Record | None:
        """The record with its new version; None where another was saved, or it was deleted, since it was read."""
        return await self._records.save(record)

    async def delete(self, key: str) -> None:
        """Delete it."""
        await self._records.delete(self._endpoint, self._caller.id, key)
