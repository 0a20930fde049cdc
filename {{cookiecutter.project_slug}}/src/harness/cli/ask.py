"""`ask` and `decide`, here or at a running service, and `agents`: who answers."""

import asyncio
import json
import shlex
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from io import StringIO
from typing import ClassVar, Final, Literal

import httpx2
from rich.console import Console
from rich.status import Status
from rich.table import Table
from rich.text import Text

from ..application import Application
from ..auth.principal import Principal
from ..errors import InputRefused, SourceUnavailable
from ..http.state import AppState
from ..prompts.language import Translations
from ..prompts.messages import LocalizedMessage
from ..runtime.replies import Event, Reply
from ..runtime.state import Decision
from ..settings import Settings
from ..settings.network import OutgoingNetwork
from ..telemetry.logging import Logs

CALLER: Final = Principal.anonymous()
"""Whoever may read the store may read it all: here nobody has a name."""


class ListAgents:
    """The agents as a table in the service's language."""

    def run(self) -> None:
        """Print the table."""
        language = Settings().language
        table = Table("Agent", "Answers", "Try")
        for agent in Application.load().agents:
            examples = "\n".join(Translations.pick(agent.examples, language))
            table.add_row(agent.name, Translations.pick(agent.description, language), examples)
        Console(markup=False, highlight=False).print(table)


@dataclass(kw_only=True)
class _Exchange(ABC):
    """Shows what happens meanwhile where a terminal is there, and prints the reply."""

    SOURCES: ClassVar = LocalizedMessage(en="Sources", es="Fuentes")
    WAITING: ClassVar = LocalizedMessage(en="Waits for your decision", es="Espera tu decisión")
    DEGRADED: ClassVar = LocalizedMessage(en="Less than a full answer", es="No es una respuesta completa")

    ENDPOINT: ClassVar = "cli"
    """Its name in `runtime/access.toml`."""

    thread: str | None = None
    url: str | None = None
    """The service to ask, with `key`; None: right here."""

    key: str | None = None
    status: Status = field(init=False, default_factory=lambda: Console(stderr=True).status("..."))
    log: StringIO = field(init=False, default_factory=StringIO)
    """What was logged meanwhile; printed below the answer, not into it."""

    def run(self) -> None:
        """Get the reply and print it.

        Raises:
            ServiceError: It was refused, or there is no service at the address.
        """
        try:
            with self.status:
                reply = asyncio.run(self._reply())
            self._print(reply)
        finally:
            sys.stderr.write(self.log.getvalue())

    @abstractmethod
    async def _reply(self) -> Reply: ...

    def _running(self) -> AbstractAsyncContextManager[AppState]:
        application = Application.load()
        settings = application.settings()
        if settings.enable_verbose_logging:
            return AppState.start(application, settings, Logs(settings).install())
        # A person reads this terminal: why something is missing, with its remedy, and the audit line.
        changes = {"log_level": "WARNING"}
        if settings.log_format == "auto" and sys.stderr.isatty():
            changes["log_format"] = "console"
        settings = settings.model_copy(update=changes)
        return AppState.start(application, settings, Logs(settings, self.log).install())

    async def _post(self, url: str, path: str, body: Mapping[str, str], what: str) -> Reply:
        secret = Settings().api_key
        key = (self.key or (secret.get_secret_value() if secret else "")).strip()
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        OutgoingNetwork.check()
        try:
            async with httpx2.AsyncClient(timeout=None) as client:  # Ctrl-C ends it
                address = url.rstrip("/") + path
                answer = await client.post(address, json=body, headers=headers)
        except httpx2.TransportError as error:
            raise SourceUnavailable(url, str(error)) from error
        if answer.is_client_error:
            raise InputRefused(what, answer.text)
        if not answer.is_success:
            raise SourceUnavailable(url, answer.text)
        return Reply.model_validate_json(answer.content)

    @staticmethod
    def _program() -> Sequence[str]:
        """What started this command, up to its first word."""
        given = sys.orig_argv
        started = [number for number, word in enumerate(given) if word in ("ask", "decide")]
        return given[: started[0]] if started else [sys.executable, "-m", "app"]

    def _print(self, reply: Reply) -> None:
        out = Console(markup=False, highlight=False, soft_wrap=True)
        out.print(reply.answer)
        if reply.sources:
            out.print(f"\n{self.SOURCES.format(reply.language)}:", style="bold")
            for source in reply.sources:
                out.print(Text.assemble("- ", source.title, " ", (source.url, "cyan")))
        for call in reply.approvals:
            out.print(f"\n{self.WAITING.format(reply.language)}:", style="bold")
            out.print(f"{call.agent}.{call.tool} {json.dumps(call.arguments, ensure_ascii=False)}")
            there = ["--url", self.url] if self.url else []
            for verdict in ("approve", "reject"):
                words = [*self._program(), "decide", call.id, verdict, "--thread", reply.thread_id, *there]
                out.print(shlex.join(words))
        if reply.degraded:
            because = ", ".join(reply.degraded_because)
            out.print(f"\n{self.DEGRADED.format(reply.language)}: {because}", style="yellow")
        if reply.notices:
            out.print("\n" + "\n".join(reply.notices), style="dim")


@dataclass(kw_only=True)
class Ask(_Exchange):
    """One question."""

    question: str

    async def _reply(self) -> Reply:
        if self.url:
            body = {"message": self.question} | ({"thread_id": self.thread} if self.thread else {})
            return await self._post(self.url, "/v1/chat", body, "question")
        last: Event | None = None
        async with (
            self._running() as running,
            running.gateway(self.ENDPOINT).stream(CALLER, self.question, self.thread) as run,
        ):
            async for event in run:
                if event["event"] in ("agent_started", "agent_finished"):
                    self.status.update(f"{event['data']['agent']} ...")
                last = event
        return Reply.model_validate(last and last["data"])  # a run ends with `final`


@dataclass(kw_only=True)
class Decide(_Exchange):
    """Yes or no to a call that waits in the thread."""

    id: str
    verdict: Literal["approve", "reject"]

    async def _reply(self) -> Reply:
        if self.url:
            path = f"/v1/threads/{self.thread}/approvals/{self.id}"
            return await self._post(self.url, path, {"decision": self.verdict}, "decision")
        decision = Decision(id=self.id, verdict=self.verdict)
        async with self._running() as running:
            return await running.gateway(self.ENDPOINT).decide(CALLER, decision, self.thread or "")
