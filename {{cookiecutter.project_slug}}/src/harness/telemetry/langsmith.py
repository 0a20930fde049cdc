"""LangSmith: runs and ratings go there where LANGSMITH_TRACING says so, and never otherwise."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import NAMESPACE_URL, UUID, uuid5

import langsmith
import structlog

from ..project import Project
from ..settings import Settings
from .metrics import FAILURES
from .redaction import Redactor

log = structlog.stdlib.get_logger(__name__)

SCORES: Final = {"up": 1.0, "down": 0.0, "1": 0.0, "2": 0.25, "3": 0.5, "4": 0.75, "5": 1.0}
"""Ratings as LangSmith compares them: 0 is bad, 1 is good."""


class LangSmith:
    """The connection of one process, or none.

    LangGraph and LangChain would trace on their own as soon as LANGSMITH_TRACING is in the
    environment, with texts as they are: what they send, and where, is set here, through the
    redactor.
    """

    KEY: Final = "user_rating"
    """What the ratings are called there."""

    MAX_WAITING: Final = 100
    """Ratings on their way; further ones are only stored here, and counted. Guess."""

    ATTEMPTS: Final = 2
    """Tries to send one rating; the library's 10 would hold a thread for minutes. Guess."""

    def __init__(self, client: langsmith.Client | None = None, project: str = "") -> None:
        """Send to `project` over `client`; without one, nowhere."""
        self._client = client
        self._project = project
        self._session: UUID | None = None
        self._sending: set[asyncio.Task[None]] = set()

    @classmethod
    @asynccontextmanager
    async def connected(
        cls, settings: Settings, redactor: Redactor, hidden: Callable[[str], str] = str
    ) -> AsyncIterator["LangSmith"]:
        """The connection while entered; what still waits is sent at its end.

        `hidden` takes out of a text what callers' messages lose, such as personal data: a run's
        input is the message as it came, before the guards have seen it.
        """
        client = cls.client(settings, redactor, hidden) if settings.langsmith_tracing else None
        project = settings.langsmith_project or Project.load().name
        langsmith.configure(client=client, enabled=client is not None, project_name=project)
        it = cls(client, project)
        try:
            yield it
        finally:
            langsmith.configure(client=None, enabled=None, project_name=None)
            if client is not None:
                await it._end(settings.shutdown_grace_seconds)

    @staticmethod
    def masking(redactor: Redactor, hidden: Callable[[str], str]) -> Callable[[dict[str, Any]], dict[str, Any]]:
        """What takes secrets out of data, and what `hidden` hides."""

        def masked(data: dict[str, Any]) -> dict[str, Any]:
            event = redactor.event(data)
            return {key: redactor.map_texts(value, hidden) for key, value in event.items()}

        return masked

    @classmethod
    def client(
        cls,
        settings: Settings,
        redactor: Redactor,
        hidden: Callable[[str], str],
        failed: Callable[[Exception], None] | None = None,
    ) -> langsmith.Client:
        """A client that masks what it sends of runs; the examples of a dataset it sends as they are.

        What could not be sent, which it does in the background, it tells `failed`.
        """
        endpoint, key = settings.langsmith_endpoint, settings.langsmith_api_key
        return langsmith.Client(
            api_url=str(endpoint).rstrip("/") if endpoint else None,
            api_key=key.get_secret_value() if key else None,
            # unlike hide_*, it covers errors beside inputs, outputs, metadata
            anonymizer=cls.masking(redactor, hidden),
            tracing_error_callback=failed,
        )

    def send(self, run_id: str, rating: str, comment: str | None) -> None:
        """Send a rating in the background. It is stored here anyway, so a failure costs nothing."""
        if self._client is None:
            return
        if len(self._sending) >= self.MAX_WAITING:
            FAILURES.labels("tracing", "langsmith").inc()
            return
        task = asyncio.create_task(self._send(self._client, run_id, rating, comment))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send(self, *rating: Any) -> None:
        try:
            await asyncio.to_thread(self._create, *rating)
        except Exception as error:  # noqa: BLE001 - whatever it raises, the rating is stored
            FAILURES.labels("tracing", "langsmith").inc()
            log.warning("feedback_not_sent", error=type(error).__name__)

    def _create(self, client: langsmith.Client, run_id: str, rating: str, comment: str | None) -> None:
        if self._session is None:  # feedback without it is deprecated (langsmith 0.15)
            self._session = client.read_project(project_name=self._project).id
        client.create_feedback(
            UUID(run_id),
            self.KEY,
            score=SCORES[rating],
            value=rating,
            comment=comment,
            feedback_id=uuid5(NAMESPACE_URL, run_id),  # a later rating replaces it
            session_id=self._session,
            stop_after_attempt=self.ATTEMPTS,
        )

    async def _end(self, seconds: float) -> None:
        if self._sending:
            await asyncio.wait(self._sending, timeout=seconds)
        if self._client is not None:
            await asyncio.to_thread(self._client.close, timeout=seconds)
