"""Results of approved calls. LangGraph runs a node from its start for each answer that it waits for, and a call runs once."""

import hashlib
import json
import time
from typing import Any

import structlog
from langgraph.config import get_config
from pydantic_core import to_jsonable_python

from ..errors import StoreUnavailable
from ..guards.tool_policy import PendingToolCall
from ..run_context import RunContext
from ..storage.store import IdempotencyRecord

log = structlog.get_logger(__name__)


class DoneCalls:
    """Of the running node's calls, those that ran after their approval while a later one still waits."""

    @classmethod
    async def find(cls, call: PendingToolCall) -> list[Any]:
        """The result of `call` as its one item, JSON values; empty where it has not run in this node."""
        host = RunContext.current().host
        if host is None or host.store is None or not (kept := await host.store.find_reply(cls._key(call))):
            return []
        result = json.loads(kept.reply)
        await cls.save(call, result)  # a further call may wait as long again
        return [result]

    @classmethod
    async def save(cls, call: PendingToolCall, result: Any) -> None:
        """Keep `result` until the next call can no longer be decided; without a store that answers, it is lost."""
        run = RunContext.current()
        if run.host is None or run.host.store is None or run.thread is None:
            return
        reply = json.dumps(to_jsonable_python(result, fallback=str))
        expires_at = time.time() + run.host.settings.approval_ttl_seconds
        try:
            await run.host.store.save_reply(IdempotencyRecord(cls._key(call), run.thread.key, "", reply, expires_at))
        except StoreUnavailable as failure:  # the call is done, and is told as done
            log.warning("done_call_unsaved", reason=str(failure))

    @staticmethod
    def _key(call: PendingToolCall) -> str:
        thread = RunContext.current().thread
        place = get_config()["configurable"].get("checkpoint_ns", "")
        text = json.dumps([place, call.agent, call.tool, call.arguments], sort_keys=True)
        return f"{thread.key if thread else ''} done {hashlib.sha256(text.encode()).hexdigest()}"
