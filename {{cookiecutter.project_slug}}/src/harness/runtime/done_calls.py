"""Results of approved calls. LangGraph runs a node from its start for each answer that it waits for, and a call runs once."""

import hashlib
import json
import time
from base64 import b64decode, b64encode
from typing import Any

import structlog
from langchain_core.tools import ToolException
from langgraph.config import get_config

from ..errors import StoreUnavailable
from ..guards.tool_policy import PendingToolCall
from ..run_context import RunContext
from ..storage.store import IdempotencyRecord

log = structlog.get_logger(__name__)


class DoneCalls:
    """Of the running node's calls, those that ran after their approval while a later one still waits."""

    @classmethod
    async def find(cls, call: PendingToolCall) -> list[Any]:
        """What `call` returned or raised, as the one item; empty where it has not run in this node."""
        host = RunContext.current().host
        if host is None or host.store is None or not (kept := await host.store.find_reply(cls._key(call))):
            return []
        kind, data = kept.reply.split()
        failure, result = host.store.saver.serde.loads_typed((kind, b64decode(data)))
        await cls.save(call, result, failure)  # a further call may wait as long again
        return [ToolException(failure) if failure else result]

    @classmethod
    async def save(cls, call: PendingToolCall, result: Any, failure: str = "") -> None:
        """Keep `result`, or the sentence of its `failure`, until the next call can no longer be decided.

        Without a store that answers, it is lost.
        """
        run = RunContext.current()
        if run.host is None or run.host.store is None or run.thread is None:
            return
        kind, data = run.host.store.saver.serde.dumps_typed((failure, result))
        reply = f"{kind} {b64encode(data).decode()}"
        expires_at = time.time() + run.host.settings.approval_ttl_seconds
        try:
            await run.host.store.save_reply(IdempotencyRecord(cls._key(call), run.thread.key, "", reply, expires_at))
        except StoreUnavailable as away:  # the call is done, and is told as done
            log.warning("done_call_unsaved", reason=str(away))

    @staticmethod
    def _key(call: PendingToolCall) -> str:
        thread = RunContext.current().thread
        place = get_config()["configurable"].get("checkpoint_ns", "")
        text = json.dumps([place, call.agent, call.tool, call.arguments], sort_keys=True)
        return f"{thread.key if thread else ''} done {hashlib.sha256(text.encode()).hexdigest()}"
