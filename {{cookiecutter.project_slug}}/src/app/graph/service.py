"""The service behind every door: one message in, one reply out, or the events that lead to it."""

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from time import perf_counter
from typing import Any, cast
from uuid import uuid4

import structlog
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver

from ..connectors.outside import Connectors
from ..llm.factory import LLMFactory
from ..llm.telemetry import Usage, UsageCollector
from ..prompts.language import Language
from ..prompts.phrases import Phrases
from ..settings import Settings
from .build import GraphBuilder
from .contract import Agent
from .reply import AgentReport, Event, Reply, SourceRef, UsageReport
from .state import State
from .write import Answers

log = structlog.get_logger(__name__)


class Service:
    """Everything that lives as long as the process: agents, models, connectors, the graph."""

    MAX_STEPS = 12
    """Supersteps of one run, twice what the longest path takes; the library's own limit is
    10,007 (langgraph 1.2.22)."""

    def __init__(
        self,
        settings: Settings,
        agents: Sequence[type[Agent[Any]]],
        checkpointer: BaseCheckpointSaver[Any],
    ) -> None:
        """Build it all once.

        Raises:
            Misconfigured: A model or an agent cannot be built from the settings.
        """
        self._settings = settings
        self._connectors = Connectors(settings)
        self.agents = [agent(self._connectors) for agent in agents]
        self.factory = LLMFactory(settings)
        self._graph = GraphBuilder(settings, self.factory, self.agents).compile(checkpointer)

    async def ask(self, message: str, thread_id: str) -> Reply:
        """The reply to `message` in a thread.

        Raises:
            InputRefused: The message is empty or too long.
        """
        with self._turn(thread_id) as config, UsageCollector.collect() as usage:
            state = await self._graph.ainvoke(State(message=message), config, durability="exit")
            return self._reply(cast(State, state), config, usage)

    async def stream(self, message: str, thread_id: str) -> AsyncGenerator[Event]:
        """The run's events as they happen, `final` last: its data is the whole `Reply`.

        `token` texts have passed the audit sentence by sentence; the answer of `final` replaces
        them. Iterate and close it in one task; closing it cancels the run and its model calls.

        Raises:
            InputRefused: The message is empty or too long; before any event.
        """
        with self._turn(thread_id) as config, UsageCollector.collect() as usage:
            state = State()
            steps = self._graph.astream(
                State(message=message),
                config,
                stream_mode=["custom", "values"],
                durability="exit",
            )
            async with aclosing(steps):  # type: ignore[type-var] # it is an async generator
                async for mode, part in steps:
                    if mode == "custom":
                        yield cast(Event, part)
                    else:
                        state = cast(State, part)
            reply = self._reply(state, config, usage)
            yield Event(event="final", data=reply.model_dump(mode="json"))

    @contextmanager
    def _turn(self, thread_id: str) -> Iterator[RunnableConfig]:
        """The run's configuration; its ids are in every log line of the run."""
        run_id = uuid4()
        started = perf_counter()
        with structlog.contextvars.bound_contextvars(thread_id=thread_id, run_id=str(run_id)):
            yield RunnableConfig(
                configurable={"thread_id": thread_id}, run_id=run_id, recursion_limit=self.MAX_STEPS
            )
            log.info("turn", ms=round((perf_counter() - started) * 1000, 1))

    def _reply(self, state: State, config: RunnableConfig, usage: Usage) -> Reply:
        outcomes = Answers.in_order(state)
        sources = {(s["title"], s["url"]): s for o in outcomes for s in o["sources"]}
        degraded = sorted(set(state["degraded"]))
        return Reply(
            answer=state["answer"],
            language=state["language"],
            agents=[
                AgentReport(name=o["agent"], question=o["question"], status=o["status"])
                for o in outcomes
            ],
            sources=[SourceRef(**source) for source in sources.values()],
            degraded=bool(degraded),
            degraded_because=degraded,
            notices=self._notices(state["language"]),
            usage=UsageReport(
                model_calls=usage.model_calls,
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
            ),
            thread_id=config["configurable"]["thread_id"],
            run_id=str(config["run_id"]),
        )

    def _notices(self, language: Language) -> list[str]:
        kinds = {model.kind for model in self.factory.models()}
        spoken = {
            Phrases.EMBEDDED: "embedded" in kinds,
            Phrases.DISABLED: "disabled" in kinds,
            Phrases.SAMPLE_DATA: self._settings.use_fake_data,
        }
        return [phrase.say(language) for phrase, is_true in spoken.items() if is_true]

    async def aclose(self) -> None:
        """Close the connections to data sources."""
        await self._connectors.aclose()
