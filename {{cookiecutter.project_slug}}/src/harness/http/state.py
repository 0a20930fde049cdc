"""What exists once while the service runs, and how a route reaches it."""

import gc
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from fastapi import FastAPI, Request

from ..auth.authenticator import Authenticator
from ..guards.personal_data import PiiRules
from ..limits.enforcement import RateLimiter
from ..limits.rate_limits import Rates
from ..runtime.agent import Agent
from ..runtime.ratings import Ratings
from ..runtime.threads import Threads
from ..service import Service
from ..settings import Settings
from ..storage.checkpoints import Checkpoints
from ..storage.store import Store
from ..telemetry.langsmith import LangSmith
from ..telemetry.logging import Logs
from ..telemetry.tracing import TRACES
from .shutdown import ShutdownManager

GC_OBJECTS: Final = 20_000
"""New objects after which the garbage collector looks at them; Python's own 700 cost 6 % more CPU,
50,000 took 12 MB more memory (measured)."""


@dataclass(frozen=True, slots=True)
class AppState:
    """The parts that a start builds and an end closes."""

    settings: Settings
    service: Service
    checkpoints: Store
    threads: Threads
    life: ShutdownManager
    doorkeeper: Authenticator
    enforcement: RateLimiter
    rates: Rates
    ratings: Ratings

    @classmethod
    @asynccontextmanager
    async def start(
        cls, settings: Settings, agents: Sequence[type[Agent[Any]]], logs: Logs
    ) -> AsyncIterator["AppState"]:
        """The parts, open; from here on `logs` masks the agents' secrets too.

        Raises:
            ConfigurationError: The keys of callers cannot be read, the store cannot be opened, a model or
                an agent cannot be built.
        """
        hidden = PiiRules(settings.personal_data_in).hidden
        async with (
            TRACES.exporting(settings, logs.redactor),
            Authenticator(settings) as doorkeeper,
            Checkpoints.open(settings) as checkpoints,
            LangSmith.connected(settings, logs.redactor, hidden) as langsmith,
        ):
            enforcement = RateLimiter(settings)
            service = Service(settings, agents, checkpoints, enforcement)
            for agent in service.agents:
                logs.redactor.register_secrets(agent.settings)
            # What the start made stays until the end: 120,000 objects that the garbage collector
            # would look at again and again, for 8 % of the CPU and pauses of 0.1 s.
            gc.freeze()
            thresholds = gc.get_threshold()
            gc.set_threshold(GC_OBJECTS, *thresholds[1:])
            try:
                threads = Threads(settings, checkpoints)
                life = ShutdownManager(settings)
                rates = Rates(settings, enforcement)
                ratings = Ratings(settings, checkpoints, logs.redactor, langsmith)
                yield cls(
                    settings,
                    service,
                    checkpoints,
                    threads,
                    life,
                    doorkeeper,
                    enforcement,
                    rates,
                    ratings,
                )
            finally:
                gc.set_threshold(*thresholds)
                gc.unfreeze()
                await service.aclose()
                await enforcement.aclose()

    async def parts(self) -> dict[str, bool]:
        """Which parts can be used now; `service` is what `/readyz` says."""
        store = await self.checkpoints.is_healthy()
        keys, provider = self.doorkeeper.keys, self.doorkeeper.provider
        redis = self.enforcement.redis
        return {
            "service": store and not self.life.is_ending,
            "store": store,
            "model": all(model.is_available for model in self.service.factory.models()),
            "limits": not (redis and redis.is_away),
            "callers": not (keys and keys.problem) and not (provider and provider.problem),
        }

    def attach(self, app: FastAPI) -> None:
        """Let the routes of `app` find it."""
        app.state.running = self

    @staticmethod
    def from_request(request: Request) -> "AppState":
        """The parts behind this request."""
        running: AppState = request.app.state.running
        return running
