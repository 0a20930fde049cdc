"""What the conformance tests ask of every endpoint: one small client for each, with the same few methods.

A module `tests/support/endpoints/<name>.py` with a class `Client` is found by itself: its endpoint then is held to
`tests/conformance/endpoints/test_every_endpoint.py`.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, ClassVar, Final

import httpx2
import pytest
from fastapi import FastAPI

BASE_URL = "http://service"
"""Where the tests find it; PUBLIC_URL of every service here, so that a check of hosts lets it pass."""


PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Answer:
    """What came back, whatever protocol carried it."""

    text: str = ""
    """What a person reads: the answer, or the words of the refusal."""

    code: str = ""
    """Name of the refusal, as the protocol tells it (`Client.word`); empty: it was answered."""

    status: int | None = None
    """Its HTTP status; None where the protocol has told it otherwise, such as in an event or a result."""

    thread_id: str = ""
    approvals: Sequence[Mapping[str, Any]] = ()
    """What waits, each with `id`, `agent`, `tool`, `arguments`."""

    degraded: Sequence[str] = ()
    retry_after: float | None = None
    """Seconds, where the protocol has a place for it."""

    raw: str = field(default="", repr=False)
    """All that came: bodies, frames, and headers where they tell something."""


class Client(ABC):
    """One endpoint as a caller meets it, on the application of a test or at an address.

    Each method gives an `Answer` for whatever happens; it raises for nothing that the service refuses.
    """

    name: ClassVar[str]
    """That of the endpoint; `v1` is the service's own."""

    ways: ClassVar[Sequence[str]] = ("ask", "stream")
    """Those of the two methods that differ here."""

    routes: ClassVar[Collection[str]] = ()
    """Those that a message is sent to, as logs and metrics name them; none: `/<name>`."""

    has_idempotency_key: ClassVar[bool] = False
    """True where a caller names a message, so that its second try runs nothing."""

    tells_retry_after: ClassVar[bool] = True
    """True where a refusal says when to try again."""

    withdrawn: ClassVar[str] = ""
    """Code of a stream that ends early because what it has told is withdrawn, where no event can say so."""

    def __init__(self, app: FastAPI | str, headers: Mapping[str, str] | None = None) -> None:
        """A caller with these headers (its key), of an application that runs, here or where `app` says."""
        self._address = app if isinstance(app, str) else BASE_URL
        self._transport = None if isinstance(app, str) else httpx2.ASGITransport(app)
        self.headers = dict(headers or {})

    @asynccontextmanager
    async def http(self) -> AsyncIterator[httpx2.AsyncClient]:
        """HTTP to the application. Where that is of the test, it buffers streams."""
        async with httpx2.AsyncClient(
            transport=self._transport, base_url=self._address, headers=self.headers, timeout=PATIENCE_SECONDS
        ) as client:
            yield client

    @classmethod
    def word(cls, code: str, status: HTTPStatus) -> str:
        """What `Answer.code` is for a failure of this code (`limit-reached`) and status."""
        return code

    @abstractmethod
    async def ask(self, message: str, thread_id: str | None = None, key: str | None = None) -> Answer:
        """The answer to a message, at once; `key` names the message, where the protocol has that."""

    async def stream(self, message: str, thread_id: str | None = None, key: str | None = None) -> Answer:
        """The answer to a message, from its pieces."""
        raise NotImplementedError

    async def decide(self, approval_id: str, thread_id: str, decision: str = "approve") -> Answer:
        """The answer after `approve` or `reject`: by `/v1`, where the protocol cannot say it."""
        async with self.http() as client:
            path = f"/v1/threads/{thread_id}/approvals/{approval_id}"
            return self.of_v1(await client.post(path, json={"decision": decision}))

    async def say(self, way: str, message: str, thread_id: str | None = None, key: str | None = None) -> Answer:
        """`ask` or `stream`."""
        return await (self.ask if way == "ask" else self.stream)(message, thread_id, key)

    @classmethod
    def of_v1(cls, answer: httpx2.Response) -> Answer:
        """What `/v1` answered, refused in the words of this endpoint."""
        told = answer.json()
        if not answer.is_success:
            code = cls.code_of_problem(told)
            return cls.refusal(answer, cls.word(code, HTTPStatus(answer.status_code)), told["detail"])
        return cls.of_reply(told, answer.text)

    @staticmethod
    def code_of_problem(problem: Mapping[str, Any]) -> str:
        """The code of the failure that a problem document tells."""
        code: str = problem["type"].removeprefix("urn:problem:")
        return code if code != "about:blank" else problem["title"].lower().replace(" ", "-")

    @staticmethod
    def refusal(answer: httpx2.Response, code: str, text: str) -> Answer:
        """One that has a status and headers."""
        after = answer.headers.get("retry-after")
        raw = f"{answer.headers}\n{answer.text}"
        return Answer(text, code=code, status=answer.status_code, retry_after=float(after) if after else None, raw=raw)

    @staticmethod
    def of_reply(reply: Mapping[str, Any], raw: str) -> Answer:
        """What the fields of a `Reply` say."""
        return Answer(
            reply["answer"],
            thread_id=reply["thread_id"],
            approvals=reply["approvals"],
            degraded=reply["degraded_because"],
            raw=raw,
        )


def clients() -> Sequence[type[Client]]:
    """That of every endpoint which has one beside this file; none, where an endpoint's extra is not installed."""
    folder = Path(__file__).parent
    found: list[type[Client]] = []
    for name in sorted(it.name for it in iter_modules([str(folder)]) if it.name != "base"):
        try:
            if name != "v1":
                import_module(f"harness.endpoints.{name}.endpoint")
            found.append(import_module(f"{__package__}.{name}").Client)
        except ModuleNotFoundError as missing:
            if (missing.name or "").startswith(("harness", "tests")):
                raise
    return found


EVERY_ENDPOINT: Final = pytest.mark.parametrize("kind", [pytest.param(it, id=it.name) for it in clients()])
"""Each endpoint; tests with this go through its ways themselves, so that they start one service for them."""
