"""What exists once while the service runs, and how a route reaches it."""

import asyncio
import gc
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import Depends, Request

from ..auth.authenticator import Authenticator
from ..guards.personal_data import PiiRules
from ..limits.rate_limiter import RateLimiter
from ..runtime.threads import Ratings, Threads
from ..service import Service
from ..settings import Settings
from ..storage.sqlite import Checkpoints
from ..storage.store import Store
from ..telemetry.langsmith import LangSmith
from ..telemetry.logging import Logs
from ..telemetry.metrics import READY
from ..telemetry.tracing import TRACES
from .gateway import Gateway
from .shutdown import ShutdownManager

if TYPE_CHECKING:
    from ..application import Application

GC_OBJECTS: Final = 20_000
"""New objects after which the garbage collector looks at them; Python's own 700 cost 6 % more CPU,
50,000 took 12 MB more memory (measured)."""


THREADS: Final = 512
"""Most threads in which synchronous tools and nodes run; one is made only where no other is idle. What
waits in them for the event loop holds a thread meanwhile, and the loop needs threads of the same pool to
resolve names and to save threads: Python's own 4 and one a core are soon all held (tried: no answer). Guess."""


@dataclass(frozen=True, slots=True)
class AppState:
    """The parts that a start builds and an end closes."""

    settings: Settings
    service: Service
    store: Store
    threads: Threads
    shutdown: ShutdownManager
    authenticator: Authenticator
    limiter: RateLimiter
    ratings: Ratings
    shared: Mapping[str, Any]
    """What the owner's `lifespan` yields: `request.state` has it, by name."""

    @classmethod
    @asynccontextmanager
    async def start(cls, application: "Application", settings: Settings, logs: Logs) -> AsyncIterator["AppState"]:
        """The parts, open; from here on `logs` masks the agents' secrets too.

        Raises:
            ConfigurationError: The keys of callers cannot be read, the store cannot be opened, a model or
                an agent cannot be built.
        """
        hidden = PiiRules(settings.personal_data_in).hidden
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS, "work"))
        async with (
            TRACES.exporting(settings, logs.redactor),
            aclosing(Authenticator(settings)) as authenticator,
            Checkpoints.open(settings) as store,
            LangSmith.connected(settings, logs.redactor, hidden) as langsmith,
            aclosing(RateLimiter(settings)) as limiter,
        ):
            with application.words.applied(settings.language):
                # Off the event loop, which may be a host's that serves already: agents read files as they are made.
                service = await asyncio.to_thread(Service, settings, application.agents, store, limiter, application)
                for agent in service.agents:
                    logs.redactor.register_secrets(agent.settings)
                # What the start made stays until the end: 120,000 objects that the garbage collector
                # would look at again and again, for 8 % of the CPU and pauses of 0.1 s.
                gc.freeze()
                thresholds = gc.get_threshold()
                gc.set_threshold(GC_OBJECTS, *thresholds[1:])
                try:
                    async with application.started(settings) as shared:
                        yield cls(
                            settings=settings,
                            service=service,
                            store=store,
                            threads=Threads(settings, store),
                            shutdown=ShutdownManager(settings),
                            authenticator=authenticator,
                            limiter=limiter,
                            ratings=Ratings(settings, store, logs.redactor, langsmith),
                            shared=shared,
                        )
                finally:
                    gc.set_threshold(*thresholds)
                    gc.unfreeze()
                    await service.aclose()

    def gateway(self, endpoint: str) -> Gateway:
        """The way of an endpoint to conversations."""
        return Gateway(self, endpoint)

    async def parts(self) -> dict[str, bool]:
        """Which parts can be used now, for the gauge of each too; `service` is what `/readyz` says."""
        store = await self.store.is_healthy()
        keys, provider = self.authenticator.keys, self.authenticator.provider
        if redis := self.limiter.redis:
            await redis.probe()
        parts = {
            "service": store and not self.shutdown.is_ending,
            "store": store,
            "model": all(model.is_available for model in self.service.factory.models()),
            "limits": not (redis and redis.is_away),
            "callers": not (keys and keys.problem) and not (provider and provider.problem),
        }
        for part, is_usable in parts.items():
            READY.labels(part).set(is_usable)
        return parts

    @staticmethod
    async def from_request(request: Request) -> "AppState":
        """The parts that serve this request; a coroutine, so that FastAPI starts no thread for it."""
        running: AppState = request.app.state.running
        return running


Running = Annotated[AppState, Depends(AppState.from_request)]
"""What a route's parameter says to have it."""
