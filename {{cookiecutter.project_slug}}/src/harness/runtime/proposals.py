"""Calls that were shown to a person. What nobody was shown cannot be approved, whatever a state says."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from langgraph.checkpoint.base import CheckpointTuple

from ..storage.store import IdempotencyRecord, Store
from ..storage.thread_ref import ThreadRef
from .approvals import Approvals
from .replies import ApprovalRequest
from .state import PendingCall


@dataclass(frozen=True)
class Proposals:
    """The calls of a store's threads that were shown, each to be claimed once."""

    store: Store

    @staticmethod
    def fingerprint(owner: str, agent: str, tool: str, arguments: Mapping[str, Any]) -> str:
        """Two calls are the same when their fingerprints are."""
        text = json.dumps([owner, agent, tool, arguments], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    async def save(self, thread: ThreadRef, calls: Iterable[ApprovalRequest]) -> None:
        """Let `calls`, which the reply to the thread's owner shows, be claimed until they expire."""
        for call in calls:
            # The reply tells whole seconds: until the end of its last one.
            expires_at = datetime.fromisoformat(call.expires_at).timestamp() + 1
            shown = self.fingerprint(thread.owner, call.agent, call.tool, call.arguments)
            key = Approvals.key(thread, call.id)
            await self.store.propose(IdempotencyRecord(key, thread.key, shown, "", expires_at))

    async def open(self, thread: ThreadRef, checkpoint: CheckpointTuple | None) -> list[PendingCall]:
        """The calls for which a thread waits that can still be decided: they are as they were shown."""
        pending = [it for it in Approvals.pending(checkpoint) if not Approvals.is_expired(it)]
        shown = await self.store.proposals(thread.key) if pending else {}
        return [it for it in pending if shown.get(Approvals.key(thread, it["id"])) == self.of(thread, it)]

    @staticmethod
    def of(thread: ThreadRef, call: PendingCall) -> str:
        """The fingerprint of a call that waits in a thread."""
        return Proposals.fingerprint(thread.owner, call["agent"], call["tool"], call["arguments"])
