"""`ask`: one question, answered here or by a running service; `decide`: yes or no to what waits."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from uuid import uuid4

import httpx2
from rich.console import Console
from rich.text import Text

from ..application import Application
from ..errors import InputRefused, SourceUnavailable
from ..http.state import AppState
from ..prompts.messages import LocalizedMessage
from ..runtime.replies import Event, Reply
from ..runtime.state import Decision
from ..settings import Settings
from ..storage.thread_ref import PUBLIC, ThreadRef
from ..telemetry.logging import Logs


class Ask:
    """Asks, shows what happens meanwhile where a terminal is there, and prints the reply."""

    SOURCES = LocalizedMessage(en="Sources", es="Fuentes")
    WAITING = LocalizedMessage(en="Waits for your decision", es="Espera tu decisión")
    DEGRADED = LocalizedMessage(en="Less than a full answer", es="No es una respuesta completa")

    def __init__(
        self, thread_id: str | None = None, url: str | None = None, key: str | None = None
    ) -> None:
        """Go on with `thread_id`; ask the service at `url` with `key`, or answer right here."""
        self._thread_id = thread_id
        self._url = url
        self._key = key
        self._out = Console(markup=False, highlight=False, soft_wrap=True)
        self._status = Console(stderr=True).status("...")

    def run(self, question: str) -> int:
        """Ask and print; the exit code.

        Raises:
            InputRefused: The question is empty or too long.
            SourceUnavailable: There is no service at the address.
        """
        answering = self._ask_there(self._url, question) if self._url else self._ask_here(question)
        with self._status:
            reply = asyncio.run(answering)
        self._print(reply)
        return 0

    def decide(self, decision: Decision) -> int:
        """Decide about a call that waits in the thread, and print what became of it; the exit code.

        Raises:
            ServiceError: It could not be decided; nothing was done.
        """
        deciding = (
            self._decide_there(self._url, decision) if self._url else self._decide_here(decision)
        )
        with self._status:
            reply = asyncio.run(deciding)
        self._print(reply)
        return 0

    async def _ask_here(self, question: str) -> Reply:
        last: Event | None = None
        async with self._running() as running:
            async for event in running.service.stream(question, self._conversation()):
                self._show(event)
                last = event
        return Reply.model_validate(last and last["data"])  # a run ends with `final`

    async def _decide_here(self, decision: Decision) -> Reply:
        async with self._running() as running:
            return await running.service.decide(decision, self._conversation())

    @staticmethod
    def _running() -> AbstractAsyncContextManager[AppState]:
        application = Application.load()
        settings = application.settings()
        if not settings.enable_verbose_logging:  # a person reads this terminal; audit lines stay
            settings = settings.model_copy(update={"log_level": "ERROR"})
        return AppState.start(application, settings, Logs(settings).install())

    def _conversation(self) -> ThreadRef:
        # Whoever may read the store may read it all: here nobody has a name.
        return ThreadRef(self._thread_id or uuid4().hex, PUBLIC)

    async def _ask_there(self, url: str, question: str) -> Reply:
        body = {"message": question} | ({"thread_id": self._thread_id} if self._thread_id else {})
        return await self._post(url, "/v1/chat", body, "question")

    async def _decide_there(self, url: str, decision: Decision) -> Reply:
        path = f"/v1/threads/{self._thread_id}/approvals/{decision['id']}"
        return await self._post(url, path, {"decision": decision["verdict"]}, "decision")

    async def _post(self, url: str, path: str, body: Mapping[str, str], field: str) -> Reply:
        try:
            async with httpx2.AsyncClient(timeout=None) as client:  # Ctrl-C ends it
                answer = await client.post(
                    f"{url.rstrip('/')}{path}", json=body, headers=self._headers()
                )
        except httpx2.TransportError as error:
            raise SourceUnavailable(url, str(error)) from error
        if answer.is_client_error:
            raise InputRefused(field, answer.text)
        if not answer.is_success:
            raise SourceUnavailable(url, answer.text)
        return Reply.model_validate_json(answer.content)

    def _headers(self) -> dict[str, str]:
        secret = Settings().api_key
        key = self._key or (secret.get_secret_value() if secret else "")
        return {"Authorization": f"Bearer {key}"} if key else {}

    def _show(self, event: Event) -> None:
        if event["event"] in ("agent_started", "agent_finished"):
            self._status.update(f"{event['data']['agent']} ...")

    def _print(self, reply: Reply) -> None:
        out = self._out
        out.print(reply.answer)
        if reply.sources:
            out.print(f"\n{self.SOURCES.format(reply.language)}:", style="bold")
            for source in reply.sources:
                out.print(Text.assemble("- ", source.title, " ", (source.url, "cyan")))
        for call in reply.approvals:
            out.print(f"\n{self.WAITING.format(reply.language)}:", style="bold")
            out.print(f"{call.agent}.{call.tool} {json.dumps(call.arguments, ensure_ascii=False)}")
            there = f" --url {self._url}" if self._url else ""
            out.print(f"decide {call.id} approve|reject --thread {reply.thread_id}{there}")
        if reply.degraded:
            because = ", ".join(reply.degraded_because)
            out.print(f"\n{self.DEGRADED.format(reply.language)}: {because}", style="yellow")
        if reply.notices:
            out.print("\n" + "\n".join(reply.notices), style="dim")
