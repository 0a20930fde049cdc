"""The service behind every door: one message in, one reply out, or the events that lead to it."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from time import perf_counter
from typing import Any, cast
from uuid import uuid4

import structlog
from langchain_core.runnables import RunnableConfig
from langgraph.types import Command

from .guards.detectors import Detectors
from .hooks import RunHooks
from .limits.budget import Budget, RunLimits
from .limits.concurrency import ConcurrencyLimiter, PerCallerLimiter
from .limits.deadline import Deadline
from .limits.rate_limiter import RateLimiter
from .models.call_recorder import Usage
from .models.factory import LLMFactory
from .prompts.messages import Messages
from .runtime.agent import Agent
from .runtime.approval_node import ApprovalNode
from .runtime.graph import GraphBuilder
from .runtime.replies import Replies, Run
from .runtime.reply import Event, Reply
from .runtime.sessions import DecisionSession, Sessions
from .runtime.state import Decision, State
from .settings import Settings
from .sources.resources import SourceConnections
from .storage.store import Store
from .storage.thread_ref import ThreadRef
from .telemetry.audit_log import AuditLog
from .telemetry.tracing import TRACES

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
        store: Store,
        limiter: RateLimiter | None = None,
        hooks: RunHooks | None = None,
    ) -> None:
        """Build it all once. Without `limiter`, quotas are counted here alone.

        Raises:
            ConfigurationError: A model or an agent cannot be built from the settings.
        """
        self._settings = settings
        self._connectors = SourceConnections(settings)
        self.factory = LLMFactory(settings)
        self._injection = Detectors.guard(settings, self.factory)
        self.agents = [agent(self._connectors, self._injection) for agent in agents]
        self._replies = Replies(settings, self.factory)
        self._caps = RunLimits(
            "RUN",
            settings.run_max_model_calls,
            settings.run_max_tool_calls,
            settings.run_max_tokens,
        )
        self._graph = GraphBuilder(settings, self.factory, self.agents, self._injection).compile(
            store.saver
        )
        self._turns = Sessions(settings, store)
        self._hooks = hooks or RunHooks()
        self._limiter = limiter or RateLimiter(settings)
        self._per_caller = PerCallerLimiter(settings, self._limiter)
        self.places = ConcurrencyLimiter(
            "messages", settings.requests_max_running, settings.requests_max_waiting
        )

    async def ask(
        self, message: str, conversation: ThreadRef, *, idempotency_key: str | None = None
    ) -> Reply:
        """The reply to `message` in a conversation; the kept one, when `idempotency_key` has one.

        Raises:
            InputRefused: The message is empty or too long, or the key is another request's.
            ThreadBusy: The turn before takes too long.
            Overloaded: Too many messages are being answered.
            RateLimitExceeded: A quota is used up, or too many of this caller's messages run.
        """
        async with (
            self._place(conversation),
            self._turns.open(message, conversation, idempotency_key) as turn,
        ):
            if turn.known:
                return turn.known
            reply = await self._answer(message, conversation)
            return await turn.finish(await self._hooks.after(reply, conversation))

    async def decide(self, decision: Decision, conversation: ThreadRef) -> Reply:
        """The reply to the message that made the call, with what became of it.

        The decision is marked as taken before its tool runs, so that the tool runs once at most,
        also when this process ends in between. The same decision again gets the same reply.

        Raises:
            ApprovalUnknown: Nothing waits under this id in this conversation.
            ApprovalDecided: It was decided before.
            ApprovalExpired: It has waited too long.
            StoreUnavailable: The store is away; nothing is done without it.
            ThreadBusy: The turn before takes too long.
            Overloaded: Too many messages are being answered.
            RateLimitExceeded: A quota is used up; nothing was decided.
        """
        async with (
            self._place(conversation),
            self._turns.open_decision(decision, conversation) as turn,
        ):
            if turn.known:
                return turn.known
            reply = await self._decided(turn, decision, conversation)
            return await turn.finish(await self._hooks.after(reply, conversation))

    async def _decided(
        self, turn: DecisionSession, decision: Decision, conversation: ThreadRef
    ) -> Reply:
        async with self._run(conversation) as run:
            await turn.claim()
            decision = {**decision, "lost": turn.lost}
            run.config["configurable"][ApprovalNode.CONFIG] = decision
            try:
                async with run.deadline.timeout():
                    state = await self._graph.ainvoke(
                        Command(resume=decision), run.config, durability="exit"
                    )
            except TimeoutError:
                unconfirmed = Messages.UNCONFIRMED.format(turn.language, call=turn.call["shown"])
                return self._replies.too_late(turn.language, unconfirmed, run)
            return self._replies.from_state(cast(State, state), run)

    @asynccontextmanager
    async def _place(self, conversation: ThreadRef) -> AsyncIterator[None]:
        """A place to answer in; a caller with too many of them is refused before it waits."""
        with self._per_caller.acquire(conversation.owner):
            async with self.places.acquire(self._settings.request_timeout_seconds):
                yield

    async def _answer(self, message: str, conversation: ThreadRef) -> Reply:
        async with self._run(conversation) as run:
            try:
                async with run.deadline.timeout():
                    message = await self._hooks.before(message, conversation)
                    state = await self._graph.ainvoke(
                        State(message=message), run.config, durability="exit"
                    )
            except TimeoutError:
                return self._replies.unanswered(message, run)
            return self._replies.from_state(cast(State, state), run)

    async def stream(
        self, message: str, conversation: ThreadRef, *, idempotency_key: str | None = None
    ) -> AsyncGenerator[Event]:
        """The run's events as they happen, `final` last: its data is the whole `Reply`.

        `token` texts have passed the audit sentence by sentence; the answer of `final` replaces
        them. After `withdrawn` no further one comes: what was sent is half of a failed answer.
        Iterate and close it in one task; closing it cancels the run and its model calls.

        Raises:
            InputRefused: The message is empty or too long, or the key is another request's.
            ThreadBusy: The turn before takes too long.
            Overloaded: Too many messages are being answered.
            RateLimitExceeded: A quota is used up, or too many of this caller's messages run. All before any event.
        """
        async with (
            self._place(conversation),
            self._turns.open(message, conversation, idempotency_key) as turn,
        ):
            reply = turn.known
            if reply is None:
                events = self._events(message, conversation)
                async with aclosing(events):
                    async for event in events:
                        if isinstance(event, Reply):
                            reply = await self._hooks.after(event, conversation)
                            reply = await turn.finish(reply)
                        else:
                            yield event
            yield Event(event="final", data=cast(Reply, reply).model_dump(mode="json"))

    async def _events(self, message: str, conversation: ThreadRef) -> AsyncGenerator[Event | Reply]:
        """The run's events, and its reply last."""
        async with self._run(conversation) as run:
            state = State()
            try:
                async with run.deadline.timeout():
                    message = await self._hooks.before(message, conversation)
                steps = self._graph.astream(
                    State(message=message),
                    run.config,
                    stream_mode=["custom", "values"],
                    durability="exit",
                )
                async with aclosing(steps):  # type: ignore[type-var] # it is an async generator
                    while step := await self._next(steps, run.deadline):
                        mode, part = step
                        if mode == "custom":
                            yield cast(Event, part)
                        else:
                            state = cast(State, part)
                reply = self._replies.from_state(state, run)
            except TimeoutError:
                reply = self._replies.unanswered(message, run)
            yield reply

    @staticmethod
    async def _next(steps: AsyncIterator[Any], deadline: Deadline) -> Any:
        """The next step; None after the last. Around one step, since a caller may be slow."""
        async with deadline.timeout():
            return await anext(steps, None)

    @asynccontextmanager
    async def _run(self, conversation: ThreadRef) -> AsyncIterator[Run]:
        """One run: its ids are in every log line, quotas are held before and settled after.

        Raises:
            RateLimitExceeded: A quota is used up.
            LimitsUnavailable: Quotas cannot be counted.
        """
        run_id = uuid4()
        started = perf_counter()
        config = RunnableConfig(
            configurable={"thread_id": conversation.key, ThreadRef.CONFIG: conversation},
            run_id=run_id,
            metadata={"run_id": str(run_id)},  # with the checkpoint: whose run a rating is about
            recursion_limit=self.MAX_STEPS,
        )
        with (
            structlog.contextvars.bound_contextvars(
                thread_id=conversation.thread_id, run_id=str(run_id)
            ),
            TRACES.span("run", {"gen_ai.conversation.id": conversation.thread_id}) as span,
            AuditLog.scope(conversation.owner) as trail,
            Usage.scope() as usage,
            Budget.scope(self._caps, usage),
        ):
            span.set({"app.run.id": str(run_id)})
            if span.trace_id:  # until the request ends
                structlog.contextvars.bind_contextvars(trace_id=span.trace_id)
            async with self._limiter.reserve(conversation.owner, conversation.key, usage):
                with Deadline.scope(self._settings.request_timeout_seconds) as deadline:
                    yield Run(config, deadline, usage, trail)
            log.info("turn", ms=round((perf_counter() - started) * 1000, 1))

    async def aclose(self) -> None:
        """Close the connections to data sources and models."""
        await self._connectors.aclose()
        await self._injection.aclose()
        await self.factory.aclose()
