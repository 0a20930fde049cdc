"""`evaluate feedback`: bad ratings become cases that wait for a person who says what is right."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import orjson
import yaml
from rich.console import Console

from ..application import Application
from ..errors import ConfigurationError, RunUnknown
from ..settings import Settings
from ..storage.sqlite import Checkpoints
from ..storage.store import Feedback, Store
from ..telemetry.logging import Logs
from ..telemetry.redaction import Redactor
from .case_files import Cases
from .cases import PERSONAL
from .reader import RunReader


@dataclass(frozen=True)
class CasesFromRatings:
    """Writes the questions of badly rated answers into a file of the owner's, once each."""

    BAD: ClassVar = frozenset({"down", "1", "2"})
    FILE: ClassVar = Path("cases/pending.yaml")
    SEEN: ClassVar = Path("cases/.rated")
    SEEN_HEAD: ClassVar = "# Ratings that became cases, also those that were renamed or deleted since.\n"
    HEAD: ClassVar = """\
# Rated answers, written by `evaluate feedback`. A case counts when you have said what is right (`facts`, `absent`,
# `verdict`, `agents`) and taken `pending` away; what is no case at all, delete.
kind: functionality
cases:
"""

    since: str = ""
    """A day or moment, ISO 8601; in UTC where it names no zone. Empty: all."""

    def run(self) -> None:
        """Write them and say how many.

        Raises:
            ConfigurationError: The store cannot be opened, or a case file is wrong.
            StoreUnavailable: It went away meanwhile; the next time goes on.
        """
        since = self._moment()
        application = Application.load()
        settings = application.settings()
        logs = Logs(settings).install()
        known = Cases(application.agents, flow=application.flow).load()
        seen = Cases.FOLDER / self.SEEN
        before = seen.read_text(encoding="utf-8") if seen.exists() else self.SEEN_HEAD
        ids = {*before.split(), *(case.id.rpartition("/")[2] for case in (*known.counting, *known.pending))}
        redactor = Redactor([settings, *(agent.settings_class() for agent in application.agents)])
        found = asyncio.run(self._found(settings, redactor, ids, since))
        logs.uninstall()
        file = Cases.FOLDER / self.FILE
        if found:
            file.parent.mkdir(parents=True, exist_ok=True)
            there = file.read_text(encoding="utf-8") if file.exists() else self.HEAD
            file.write_text("".join([there.rstrip("\n") + "\n", *found.values()]), encoding="utf-8", newline="\n")
            seen.write_text(before + "".join(f"{it}\n" for it in found), encoding="utf-8", newline="\n")
        Console().print(f"{len(found)} cases written to {file}", markup=False, highlight=False)

    def _moment(self) -> float:
        try:
            moment = datetime.fromisoformat(self.since) if self.since else datetime.fromtimestamp(0, UTC)
        except ValueError:
            raise ConfigurationError([f"--since: {self.since} is no day or moment, such as 2026-11-30"]) from None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()

    async def _found(self, settings: Settings, redactor: Redactor, known: set[str], since: float) -> dict[str, str]:
        """The text of each new case by its id."""
        async with Checkpoints.open(settings) as store:
            reader = RunReader(store, redactor, PERSONAL)
            return {name: text async for name, text in self._written(store, reader, known, since)}

    async def _written(
        self, store: Store, reader: RunReader, known: set[str], since: float
    ) -> AsyncIterator[tuple[str, str]]:
        async for feedback in store.feedback_since(since):
            if feedback.rating not in self.BAD or self._id(feedback) in known:
                continue
            try:
                run = await reader.read(feedback.thread_id, feedback.run_id)
            except RunUnknown:  # deleted meanwhile
                continue
            if run["question"]:
                yield self._id(feedback), self._case(feedback, run)

    @staticmethod
    def _id(feedback: Feedback) -> str:
        return f"rated-{feedback.run_id.partition('-')[0]}"

    @classmethod
    def _case(cls, feedback: Feedback, run: Mapping[str, Any]) -> str:
        day = datetime.fromtimestamp(feedback.given_at, UTC).date()
        case = {
            "id": cls._id(feedback),
            "pending": True,
            "ask": run["question"],
            "language": run["language"],
            "source": "feedback",
            "why": f"rated {feedback.rating} on {day}"
            + (f": {PERSONAL.hidden(feedback.comment)}" if feedback.comment else ""),
        }
        dumped = yaml.safe_dump([case], allow_unicode=True, sort_keys=False, width=cls.WIDTH)
        found = [f"found by {it['agent']}: {orjson.dumps(it['fact']).decode()}" for it in run["facts"]]
        agents = ", ".join(run["agents"]) or "none"
        about = [f"agents: {agents}; {run['verdict']}", *f"answer: {run['answer']}".splitlines(), *found]
        lines = [*dumped.splitlines(), *(f"  # {line}" for line in about)]
        return "".join(f"  {line}\n" for line in lines)

    WIDTH: ClassVar = 110
    """Columns of a line."""
