"""The service: one message in, one reply out, or the events that lead to it. Read this file first.

A request takes a place, opens the session of its thread and starts a run. The run's graph checks the
message, plans, asks the agents, writes and checks the answer. Every endpoint comes through here.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from time import perf_counter
from typing import Any, cast
from uuid import UUID, uuid4

import structlog
from langchain_core.runnables import RunnableConfig
from langgraph.types import Command

from .application import Application
from .errors import AgentUnknown
from .guards.detectors import Detectors
from .guards.injection_guard import ToolResults
from .limits.budget import RunLimits, RunUsage
from .limits.concurrency import ConcurrencyLimiter, PerCallerLimiter
from .limits.deadline import Deadline
from .limits.rate_limiter import RateLimiter
from .models.call_recorder import Usage
from .models.factory import LLMFactory
from .prompts.messages import Messages
from .run_context import RunContext
from .runtime.agent import Agent
from .runtime.answer_stream import AnswerStream
from .runtime.graph import GraphBuilder
from .runtime.graph_runner import GraphHost
from .runtime.replies import Event, Replies, Reply
from .runtime.sessions import DecisionSession, Sessions
from .runtime.state import Decision, Question
from .settings import Settings
from .sources.resources import SourceConnections
from .storage.store import Store
from .storage.thread_ref import ThreadRef
from .telemetry.audit_log import AuditLog
from .telemetry.tracing import TRACES

log = structlog.get_logger(__name__)


class Service:
    """Everything that lives as long as the process: agents, models, data sources, the graph."""

    MAX_STEPS = 12
    """Supersteps of one run, twice what the longest path takes; the library's own limit is
    10,007 (langgraph 1.2.22)."""

    def __init__(
        self,
        settings: Settings,
        agents: Sequence[type[Agent[Any]]],
        store: Store,
        limiter: RateLimiter | None = None,
        application: Application | None = None,
    ) -> None:
        """Build it all once. Without `limiter`, quotas are counted here alone.

        Raises:
            ConfigurationError: A model or an agent cannot be built from the settings.
        """
        self._settings = settings
        self._connectors = SourceConnections(settings)
        self.factory = LLMFactory(settings)
        self._injection = Detectors.guard(settings, self.factory)
        self._application = application or Application(agents)
        flow = self._application.flow
        self.agents = [agent(self._connectors, self._injection) for agent in flow.workers(agents)]
        builder = GraphBuilder(settings, self.factory, self.agents, self._injection, has_planner=flow.has_planner)
        self.graph = builder.compile(store.saver)
        results = ToolResults(self._injection)
        self._host = GraphHost(settings, self.factory, results, builder.outgoing, store, self._connectors)
        self._sessions = Sessions(settings, store)
        self._replies = Replies(settings, self.factory)
        self._limits = RunLimits(
            "RUN", settings.run_max_model_calls, settings.run_max_tool_calls, settings.run_max_tokens
        )
        self._limiter = limiter or RateLimiter(settings)
        self.per_caller = PerCallerLimiter(settings, self._limiter)
        self.places = ConcurrencyLimiter("messages", settings.requests_max_running, settings.requests_max_waiting)

    async def ask(
        self, message: str, thread: ThreadRef, *, idempotency_key: str | None = None, only: str = ""
    ) -> Reply:
        """The reply to `message` in a thread; the saved one, when `idempotency_key` has one.

        With `only`, the agent of this name of `agents` gets the whole message and no planner is asked; all else
        holds: guards, its questions back, limits, approvals. In the flows that are one worker (`Supervisor`,
        `Handoffs`, `OwnGraph`) that worker alone can be named: its members keep a state together, or are asked
        by it, and would answer by themselves what nobody has built them to.

        Raises:
            AgentUnknown: `only` names no agent that can be asked by itself.
            InputRefused: The message is empty or too long, or the key is another request's.
            ThreadBusy: The request before takes too long.
            Overloaded: Too many messages are being answered.
            RateLimitExceeded: A quota is used up, or too many of this caller's messages run.
        """
        asked = self._asked(message, only)
        async with self._place(thread), self._sessions.open(asked, thread, idempotency_key) as session:
            if session.cached_reply:
                return session.cached_reply
            reply = await self._answer(message, thread, only)
            return await session.finish(await self._application.after(reply, thread))

    async def stream(
        self, message: str, thread: ThreadRef, *, idempotency_key: str | None = None, only: str = ""
    ) -> AsyncGenerator[Event]:
        """The run's events as they happen, `final` last: its data is the whole `Reply`.

        `token` texts have been checked sentence by sentence; the answer of `final` replaces
        them. After `withdrawn` no further one comes: what was sent is half of a failed answer.
        Iterate and close it in one task; closing it cancels the run and its model calls.

        Takes and raises what `ask` does, before any event.
        """
        asked = self._asked(message, only)
        async with self._place(thread), self._sessions.open(asked, thread, idempotency_key) as session:
            reply = session.cached_reply
            if reply is None:
                async with aclosing(self._events(message, thread, only)) as events:
                    async for event in events:
                        if isinstance(event, Reply):
                            reply = await self._application.after(event, thread)
                            reply = await session.finish(reply)
                        else:
                            yield event
            yield Event(event="final", data=cast(Reply, reply).model_dump(mode="json"))

    async def decide(self, decision: Decision, thread: ThreadRef) -> Reply:
        """The reply to the message that made the call, with what became of it.

        The decision is claimed before its tool runs, so that the tool runs once at most,
        also when this process ends in between. The same decision again gets the same reply.

        Raises:
            ApprovalUnknown: Nothing waits under this id in this conversation.
            ApprovalDecided: It was decided before.
            ApprovalExpired: It has waited too long.
            InputRefused: It has a value, and the call asks for none.
            StoreUnavailable: The store is away; nothing is done without it.
            ThreadBusy: The request before takes too long.
            Overloaded: Too many messages are being answered.
            RateLimitExceeded: A quota is used up; nothing was decided.
        """
        async with self._place(thread), self._sessions.open_decision(decision, thread) as session:
            if session.cached_reply:
                return session.cached_reply
            session.check(decision)
            reply = await self._decided(session, decision, thread)
            return await session.finish(await self._application.after(reply, thread))

    async def decided(self, approval_id: str, thread: ThreadRef) -> Reply | None:
        """The reply to a call that was decided; None while nobody has, while it runs, and once it is forgotten.

        Raises:
            StoreUnavailable: The store is away.
        """
        return await self._sessions.decided(approval_id, thread)

    def _asked(self, message: str, only: str) -> str:
        """What makes two requests the same, beside their thread: whom the message is for, and the message."""
        if only and only not in {agent.name for agent in self.agents}:
            is_member = only in {agent.name for agent in self._application.agents}
            raise AgentUnknown(only, self.agents[0].name if is_member else "")
        return f"{only}\0{message}" if only else message

    @asynccontextmanager
    async def _place(self, thread: ThreadRef) -> AsyncIterator[None]:
        """A place to answer in; a caller with too many of them is refused before it waits."""
        with self.per_caller.acquire(thread.owner):
            async with self.places.acquire(self._settings.request_timeout_seconds):
                yield

    async def _answer(self, message: str, thread: ThreadRef, only: str) -> Reply:
        async with self._run(thread, only=only) as run:
            try:
                async with Deadline.timeout():
                    message = await self._application.before(message, thread)
                    state = await self.graph.ainvoke(
                        Question(message=message), self._config(run), context=run, durability="exit"
                    )
            except TimeoutError:
                return self._replies.unanswered(message, run)
            return cast(Reply, state["reply"])

    async def _events(self, message: str, thread: ThreadRef, only: str) -> AsyncGenerator[Event | Reply]:
        """The run's events, and its reply last."""
        async with self._run(thread, stream=AnswerStream(), only=only) as run:
            state: Any = {}
            started = Event(event="started", data={"thread_id": thread.thread_id, "run_id": run.run_id})
            try:
                async with Deadline.timeout():
                    message = await self._application.before(message, thread)
                steps = self.graph.astream(
                    Question(message=message),
                    self._config(run),
                    context=run,
                    stream_mode=["custom", "values"],
                    durability="exit",
                )
                async with aclosing(steps):  # type: ignore[type-var] # it is an async generator
                    while step := await self._next(steps):
                        mode, part = step
                        if mode == "custom":
                            if run.stream and not run.stream.has_begun:  # a refused message has a status instead
                                run.stream.has_begun = True
                                yield started
                            yield cast(Event, part)
                        else:
                            state = part
                reply: Reply = state["reply"]
            except TimeoutError:
                reply = self._replies.unanswered(message, run)
            yield reply

    @staticmethod
    async def _next(steps: AsyncIterator[Any]) -> Any:
        """The next step; None after the last. The timeout is around one step: a caller may be slow."""
        async with Deadline.timeout():
            return await anext(steps, None)

    async def _decided(self, session: DecisionSession, decision: Decision, thread: ThreadRef) -> Reply:
        decision = {**decision, "unresolved": session.unresolved}
        async with self._run(thread, decision=decision) as run:
            await session.claim()
            try:
                async with Deadline.timeout():
                    state = await self.graph.ainvoke(
                        Command(resume=decision), self._config(run), context=run, durability="exit"
                    )
            except TimeoutError:
                call, language = session.call["shown"], session.language
                unconfirmed = Messages.UNCONFIRMED.format(language, call=call)
                return self._replies.timed_out(language, unconfirmed, run)
            return cast(Reply, state["reply"])

    @asynccontextmanager
    async def _run(self, thread: ThreadRef, **changes: Any) -> AsyncIterator[RunContext]:
        """The context of one run; quotas are reserved before it and settled after.

        Raises:
            RateLimitExceeded: A quota is used up.
            LimitsUnavailable: Quotas cannot be counted.
        """
        run_id, usage = str(uuid4()), Usage()
        with (
            self._observed(thread, run_id),
            RunContext.scope(
                run_id=run_id,
                thread=thread,
                usage=usage,
                budgets=(RunUsage(self._limits, usage),),
                host=self._host,
                loop=asyncio.get_running_loop(),
                **changes,
            ),
        ):
            async with self._limiter.reserve(thread.owner, thread.key, usage):
                with Deadline.scope(self._settings.request_timeout_seconds):
                    yield RunContext.current()

    @contextmanager
    def _observed(self, thread: ThreadRef, run_id: str) -> Iterator[None]:
        """Ids in every log line of a run, a span around it, and its line in the audit log."""
        started = perf_counter()
        ids = {"thread_id": thread.thread_id, "run_id": run_id}
        with (
            structlog.contextvars.bound_contextvars(**ids),
            TRACES.span("run", {"gen_ai.conversation.id": thread.thread_id}) as span,
            AuditLog.scope(thread.owner),
        ):
            span.set({"app.run.id": run_id})
            if span.trace_id:  # until the request ends
                structlog.contextvars.bind_contextvars(trace_id=span.trace_id)
            yield
            log.info("turn", ms=round((perf_counter() - started) * 1000, 1))

    def _config(self, run: RunContext) -> RunnableConfig:
        return RunnableConfig(
            configurable={"thread_id": run.thread.key if run.thread else ""},
            run_id=UUID(run.run_id),
            metadata={"run_id": run.run_id},  # with the checkpoint: whose run a rating is about
            recursion_limit=self.MAX_STEPS,
        )

    async def aclose(self) -> None:
        """Close the connections to data sources and models."""
        await self._connectors.aclose()
        await self._injection.aclose()
        await self.factory.aclose()
