"""Asks the service, in this process, what the cases ask, and reads what came of it from the store."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from time import perf_counter
from typing import Any, ClassVar, NamedTuple

from ..application import Application
from ..auth.principal import Principal
from ..errors import ServiceError
from ..guards.personal_data import PiiRules
from ..http.state import AppState
from ..prompts.language_files import LanguageFiles
from ..prompts.prompt import Prompt
from ..settings import EMBEDDED, Settings, StoreURL
from ..telemetry.logging import Logs
from .cases import Case, Question
from .reader import RunReader
from .recorded import RecordedRun

Key = tuple[str, int, int]
"""Case, variant, sample: `RecordedRun.key`."""


class Asking(NamedTuple):
    """One question to ask."""

    case: Case
    variant: int
    sample: int
    question: Question

    @property
    def key(self) -> Key:
        """Names its run."""
        return self.case.id, self.variant, self.sample


@dataclass
class Runs:
    """What was asked: the runs, and why others are not there."""

    runs: dict[Key, RecordedRun] = field(default_factory=dict)
    missing: dict[Key, str] = field(default_factory=dict)


@dataclass
class Runner:
    """One evaluation's askings. Each has a thread of its own, in memory, and no quota counts it."""

    CALLER: ClassVar = Principal.anonymous()

    application: Application
    model: str = ""
    """In place of the configured ones of all roles; empty: as the settings have it."""

    is_live: bool = False
    """Data sources as the settings have them; else sample data."""

    samples: int = 1
    at_once: int = 1

    def settings(self) -> Settings:
        """The service's, with what an evaluation changes.

        Raises:
            ConfigurationError: They cannot work together.
        """
        changes: dict[str, Any] = {
            "database_url": StoreURL.MEMORY,
            "environment": "development",
            "authentication": "off",
            "limits": "off",
            "langsmith_tracing": False,
            "otel_exporter_otlp_endpoint": None,
            "redis_url": None,
            "workers": 1,
        }
        changes |= {} if self.is_live else {"use_fake_data": True}
        if self.model:
            roles = ("planner", "agent", "writer")
            changes |= {"llm_model": self.model} | {f"llm_{role}_model": None for role in roles}
            if self.model == EMBEDDED:
                changes |= {"llm_fallback_models": None} | {f"llm_{role}_fallback_models": None for role in roles}
        return self.application.settings(**changes)

    def askings(self, cases: Sequence[Case]) -> list[Asking]:
        """All that is asked for `cases`."""
        return [
            Asking(case, variant, sample, question)
            for case in cases
            for sample in range(self.samples)
            for variant, question in enumerate(case.questions)
        ]

    @staticmethod
    def models(settings: Settings) -> str:
        """The models that answer, each once."""
        roles = (settings.llm_planner_model, settings.llm_agent_model, settings.llm_writer_model)
        answering = dict.fromkeys(it or settings.llm_model for it in roles)
        return "disabled" if settings.disable_llm else ", ".join(answering)

    def prompts(self) -> dict[str, str]:
        """Version by name, of all prompts that there are."""
        own = [it.prompt for it in self.application.agents if isinstance(getattr(it, "prompt", None), Prompt)]
        all_ = [*LanguageFiles.PROMPTS, *own, *self.application.prompts]
        return {prompt.name: prompt.version for prompt in all_}

    def fingerprint(self, settings: Settings) -> str:
        """Another one where the service is another: its code, prompts, models or settings."""
        digest = hashlib.sha256(repr((self.models(settings), settings.use_fake_data)).encode())
        settings_text = settings.model_dump_json(exclude={"llm_api_key", "llm_fallback_api_key"})
        digest.update(settings_text.encode())
        for folder in (Path("src"), Path("data")):
            for file in sorted(folder.rglob("*")):
                if file.is_file() and file.suffix != ".pyc":
                    digest.update(f"{file} {file.stat().st_size} {file.stat().st_mtime_ns}".encode())
        return digest.hexdigest()[: Case.DIGEST_CHARS]

    @asynccontextmanager
    async def started(self) -> AsyncIterator["_Open"]:
        """The service, running."""
        settings = self.settings()
        settings = settings.model_copy(update={"log_level": "ERROR"})
        logs = Logs(settings, StringIO()).install()
        try:
            async with AppState.start(self.application, settings, logs) as state:
                reader = RunReader(state.store, logs.redactor, PiiRules(settings.personal_data_in))
                yield _Open(state, reader, self.models(settings), self.prompts())
        finally:
            Logs.uninstall()

    async def run(
        self, askings: Sequence[Asking], done: Mapping[Key, RecordedRun], told: Callable[[RecordedRun | None], None]
    ) -> Runs:
        """Ask what is not `done`; `told` gets each run when it is there, None for one that failed."""
        result = Runs({it.key: done[it.key] for it in askings if it.key in done})
        places = asyncio.Semaphore(self.at_once)
        async with self.started() as service, asyncio.TaskGroup() as group:
            for asking in askings:
                if asking.key in result.runs:
                    continue
                await places.acquire()

                async def one(asking: Asking = asking) -> None:
                    try:
                        run = await service.ask(asking)
                    except Exception as failure:  # noqa: BLE001 - the other questions go on
                        detail = failure.detail if isinstance(failure, ServiceError) else failure
                        result.missing[asking.key] = f"{type(failure).__name__}: {detail}"
                        told(None)
                    else:
                        result.runs[asking.key] = run
                        told(run)
                    finally:
                        places.release()

                group.create_task(one())
        return result


@dataclass(frozen=True)
class _Open:
    """A service that answers."""

    state: AppState
    reader: RunReader
    model: str
    prompts: dict[str, str]

    async def ask(self, asking: Asking) -> RecordedRun:
        """The run of one question.

        Raises:
            ServiceError: It was refused, or nothing was saved of it.
        """
        began = perf_counter()
        reply = await self.state.gateway("cli").ask(Runner.CALLER, asking.question.text)
        seconds = perf_counter() - began
        thread = Runner.CALLER.conversation(reply.thread_id).key
        fields = await self.reader.read(thread, reply.run_id)
        usage = reply.usage
        run = RecordedRun(
            **fields,
            case=asking.case.id,
            digest=asking.case.digest,
            variant=asking.variant,
            sample=asking.sample,
            kind=asking.case.kind,
            notices=reply.notices,
            grounding=reply.grounding,
            seconds=round(seconds, 4),
            model_calls=usage.model_calls,
            tokens=usage.input_tokens + usage.output_tokens,
            cost_usd=usage.cost_usd,
            run_id=reply.run_id,
            thread_id=reply.thread_id,
            model=self.model,
            prompts=self.prompts,
        )
        await self.state.store.delete_thread(thread)  # a run of thousands stays small
        return run
