"""How the harness's own routes read a request: the scope first, then JSON by the letter of RFC 8259."""

import json
import re
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, Final, NoReturn

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.types import Message, Receive
from starlette.types import Scope as Connection

from ..errors import InputRefused
from .authentication import RequiredScope
from .failures import RequestRefused


class StrictRequest(Request):
    """Refuses what two readers could understand differently, and what none can store."""

    async def json(self) -> Any:
        """The value of the body, as `loads` reads it."""
        return self.loads(await self.body())

    @classmethod
    def loads(cls, body: bytes) -> Any:
        """The value of `body`.

        Raises:
            json.JSONDecodeError: No JSON in UTF-8, NaN or Infinity, a name given twice, or nested
                or long beyond what Python reads. FastAPI answers it with 422.
        """
        try:
            # Decoded here: Python would guess UTF-16 and UTF-32 too, which a proxy may read otherwise.
            text = body.decode()
            return json.loads(text, parse_constant=cls._constant, object_pairs_hook=cls._object)
        except json.JSONDecodeError:
            raise
        except RecursionError:
            cls._refuse("it is nested too deeply")
        except ValueError:  # not UTF-8, or an integer of thousands of digits
            cls._refuse("a value cannot be read")

    @classmethod
    def _object(cls, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) != len(pairs):
            cls._refuse("a name is given twice")
        return value

    @classmethod
    def _constant(cls, _: str) -> NoReturn:
        cls._refuse("NaN and Infinity are no JSON values")

    @staticmethod
    def _refuse(problem: str) -> NoReturn:
        raise json.JSONDecodeError(problem, "", 0)


class BodyType:
    """What a body says it is. It is held to its word: read otherwise, it could mean something else."""

    JSON: Final = re.compile(r"application/(?:[\w.-]+\+)?json")

    @classmethod
    def check(cls, headers: Headers) -> None:
        """Refuse what is no JSON in UTF-8, uncompressed.

        Raises:
            InputRefused: It is no JSON.
            RequestRefused: It is JSON in another form (415: RFC 9110, section 15.5.16).
        """
        kind, *parameters = headers.get("content-type", "").lower().split(";")
        if not cls.JSON.fullmatch(kind.strip()):
            raise InputRefused("Content-Type", "send the header `Content-Type: application/json`, and JSON as the body")
        named = [value for it in parameters for name, _, value in [it.partition("=")] if name.strip() == "charset"]
        if any(value.strip().strip('"') not in ("utf-8", "utf8") for value in named):
            raise RequestRefused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Content-Type: send JSON in UTF-8 (RFC 8259).")
        if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
            raise RequestRefused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Content-Encoding: send the body uncompressed.")


class ReadBody:
    """The body of a request that an SDK reads afterwards: it gets the same one, and then what comes."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self.body = body
        self._rest: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
        self._receive = receive

    @classmethod
    async def of(cls, scope: Connection, receive: Receive) -> "ReadBody":
        """Read it.

        Raises:
            RequestRefused: It is not what it says it is, or no JSON in UTF-8, uncompressed (415).
        """
        read = cls(await Request(scope, receive).body(), receive)
        try:
            if read.body:
                BodyType.check(Headers(scope=scope))
        except InputRefused as refusal:
            raise RequestRefused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, str(refusal)) from None
        return read

    async def receive(self) -> Message:
        """What ASGI gives the SDK."""
        return self._rest.pop() if self._rest else await self._receive()


class StrictRoute(APIRoute):
    """Asks for the scope before the body is read, and reads the body as a `StrictRequest`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What FastAPI calls with each request."""
        handle = super().get_route_handler()
        scopes = RequiredScope.of_route(self.dependant)
        has_body = self.body_field is not None

        async def handle_strictly(request: Request) -> Response:
            for scope in scopes:
                await scope(request)
            if has_body:
                BodyType.check(request.headers)
            return await handle(StrictRequest(request.scope, request.receive))

        return handle_strictly
