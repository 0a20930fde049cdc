"""A turn: its thread is held by nobody else, it runs once for its key, and it may go unsaved."""

import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from ..errors import InputRefused
from ..limits.deadline import Deadline
from ..observability.metrics import METRICS
from ..persistence.conversation import Conversation
from ..persistence.saving import Saving
from ..persistence.store import KeptReply, Store
from ..prompts.phrases import Phrases
from ..settings import Settings
from .degraded import Degraded
from .reply import Reply


class Request:
    """What a turn answers; two requests are the same when their fingerprints are."""

    def __init__(
        self, message: str, conversation: Conversation, idempotency_key: str | None
    ) -> None:
        self.thread_key = conversation.key
        self.key = conversation.request_key(idempotency_key) if idempotency_key else None
        text = f"{conversation.thread_id}\0{message}"
        self.fingerprint = hashlib.sha256(text.encode()).hexdigest()


class Turn:
    """One message of one thread, from its first to its last moment."""

    def __init__(self, turns: "Turns", request: Request, saving: Saving) -> None:
        self._turns = turns
        self._request = request
        self._saving = saving
        self.known: Reply | None = None
        """The reply, when the same request was answered before."""

    async def end(self, reply: Reply) -> Reply:
        """The reply as it leaves: kept for the next try, or marked when nothing is kept of it."""
        if Degraded.NOT_SAVED not in reply.degraded_because and not self._saving.is_lost:
            await self._turns.keep(self._request, reply)
        leaving = self._marked(reply) if self._saving.is_lost else reply
        METRICS.answer(leaving.degraded)
        for reason in leaving.degraded_because:
            METRICS.degraded(reason)
        return leaving

    @staticmethod
    def _marked(reply: Reply) -> Reply:
        because = sorted({*reply.degraded_because, Degraded.NOT_SAVED})
        notices = [*reply.notices, Phrases.NOT_SAVED.say(reply.language)]
        changes = {"degraded": True, "degraded_because": because, "notices": notices}
        return reply.model_copy(update=changes)


class Turns:
    """Gives every message its turn."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._store = store
        self._wait_seconds = settings.turn_wait_seconds
        self._request_seconds = settings.request_timeout_seconds
        self._ttl_seconds = settings.idempotency_ttl_seconds

    @asynccontextmanager
    async def turn(
        self, message: str, conversation: Conversation, idempotency_key: str | None
    ) -> AsyncIterator[Turn]:
        """The turn of one message, alone in its thread while entered.

        Raises:
            ThreadBusy: The turn before, or an earlier try of the same request, takes too long.
            InputRefused: The key belongs to another request.
        """
        request = Request(message, conversation, idempotency_key)
        with Saving.begin() as saving, Deadline.of(self._request_seconds):
            async with AsyncExitStack() as held:
                turn = Turn(self, request, saving)
                if request.key:
                    await self._hold(held, f"key {request.key}")
                    turn.known = await self._known(request)
                if turn.known is None:
                    await self._hold(held, Store.name_of(request.thread_key))
                yield turn

    async def keep(self, request: Request, reply: Reply) -> None:
        """Keep the reply to a request that has a key."""
        if request.key:
            kept_until = time.time() + self._ttl_seconds
            kept = KeptReply(
                request.key,
                request.thread_key,
                request.fingerprint,
                reply.model_dump_json(),
                kept_until,
            )
            await self._store.keep_reply(kept)

    async def _known(self, request: Request) -> Reply | None:
        kept = await self._store.kept_reply(request.key or "")
        if kept is None:
            return None
        if kept.request != request.fingerprint:
            raise InputRefused("Idempotency-Key", "it was used for another request; make a new one")
        return Reply.model_validate_json(kept.reply)

    async def _hold(self, held: AsyncExitStack, name: str) -> None:
        wait_seconds = Deadline.within(self._wait_seconds)
        with METRICS.waiting("threads"):
            await held.enter_async_context(self._store.hold(name, wait_seconds))
