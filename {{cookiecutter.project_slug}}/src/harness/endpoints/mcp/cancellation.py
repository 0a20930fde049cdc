"""Calls that their client no longer waits for, where it says so in a request of its own."""

import asyncio
import hashlib
import re
from collections.abc import Awaitable, MutableMapping
from http import HTTPStatus
from typing import Any, Final, TypeVar
from uuid import uuid4

import structlog
from anyio import CancelScope
from mcp.server.context import ServerRequestContext
from mcp_types import CancelledNotification, RequestId
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive
from starlette.types import Scope as Connection
from starlette.types import Send

from ...auth.principal import Principal
from ...errors import StoreUnavailable
from ...http.failures import Form
from ...http.gateway import Gateway, OwnRecords

ResultT = TypeVar("ResultT")

log = structlog.stdlib.get_logger(__name__)


class Cancellation:
    """Stops a call of the protocol up to 2025-11-25, whose client keeps the connection when it gives up.

    It posts `notifications/cancelled` with the number of its request, and any process may get that: a record tells
    the one that runs the call. Clients number their requests alike, so that each gets a session id with its first
    answer, which names it here and nothing else. Later clients close the connection, and need none of it.
    """

    SESSION: Final = "mcp-session-id"
    VERSION: Final = "mcp-protocol-version"

    LOOK_SECONDS: Final = 1.0
    """How often a running call looks whether it was cancelled, seconds: a guess between load and waste."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def watched(
        self, caller: Principal, context: ServerRequestContext[Any, Any], answer: Awaitable[ResultT]
    ) -> ResultT | None:
        """What `answer` gives; None once the call was cancelled."""
        session = context.request and self._session(context.request.headers)
        if not session:
            return await answer
        key = self._key(session, context.request_id)
        with CancelScope() as scope:
            watch = asyncio.create_task(self._watch(self._gateway.records(caller), key, scope))
            try:
                return await answer
            finally:
                watch.cancel()
        return None

    async def _watch(self, records: OwnRecords, key: str, scope: CancelScope) -> None:
        while True:
            await asyncio.sleep(self.LOOK_SECONDS)
            try:
                if await records.find(key):
                    await records.delete(key)
                    scope.cancel()
                    return
            except StoreUnavailable:
                log.debug("cancellation_not_read")

    def around(self, app: ASGIApp) -> ASGIApp:
        """`app`, the SDK's, which answers and drops such a notification: there is no session that it knows of."""

        async def listening(scope: Connection, receive: Receive, send: Send) -> None:
            headers = Headers(scope=scope)
            body = bytearray()
            status: list[int] = []

            async def received() -> Message:
                message = await receive()
                body.extend(message.get("body", b""))
                return message

            async def sent(message: Message) -> None:
                if message["type"] == "http.response.start":
                    status.append(message["status"])
                    self._name(headers, message)
                await send(message)

            await app(scope, received, sent)
            if HTTPStatus.ACCEPTED in status and (session := self._session(headers)):
                await self._note(scope["state"]["principal"], session, bytes(body))

        return listening

    def _name(self, headers: Headers, answer: MutableMapping[str, Any]) -> None:
        """Give a client its session id, once it was answered."""
        is_modern = headers.get(self.VERSION) in MODERN_PROTOCOL_VERSIONS
        if answer["status"] == HTTPStatus.OK and not is_modern and self.SESSION not in headers:
            MutableHeaders(scope=answer)[self.SESSION] = uuid4().hex

    async def _note(self, caller: Principal, session: str, body: bytes) -> None:
        try:
            cancelled = CancelledNotification.model_validate_json(body).params.request_id
        except ValidationError:  # another notification
            return
        records = self._gateway.records(caller)
        try:
            await records.save(records.new(self._key(session, cancelled), session, "{}"))
        except StoreUnavailable:
            log.warning("cancellation_not_saved")

    @classmethod
    def _session(cls, headers: Headers) -> str:
        """That of a client of the old protocol; else, and where it is none that we gave, empty."""
        session = headers.get(cls.SESSION, "")
        is_modern = headers.get(cls.VERSION) in MODERN_PROTOCOL_VERSIONS
        return session if not is_modern and re.fullmatch(Form.THREAD_ID, session) else ""

    @staticmethod
    def _key(session: str, request_id: RequestId | None) -> str:
        return hashlib.sha256(f"{session} {request_id!r}".encode(errors="surrogatepass")).hexdigest()
