"""What an owner brings to the harness, and how a process finds it."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from .errors import ConfigurationError
from .prompts.messages import LocalizedMessage
from .prompts.overrides import Overrides
from .prompts.prompt import Prompt
from .runtime.agent import Agent
from .runtime.flows import Flow, Parallel
from .runtime.replies import Reply
from .settings import Settings
from .settings.unknown import UnknownNames
from .storage.thread_ref import ThreadRef

if TYPE_CHECKING:
    from fastapi import APIRouter, FastAPI
    from starlette.middleware import Middleware

BeforeRun = Callable[[str, ThreadRef], Awaitable[str]]
AfterRun = Callable[[Reply, ThreadRef], Awaitable[Reply]]
Lifespan = Callable[[Any], AbstractAsyncContextManager[Mapping[str, Any] | None]]


@dataclass(frozen=True, slots=True)
class Application:
    """One service: the owner's parts, made into an application by `create_app`."""

    MODULE: ClassVar = "app.main"
    FACTORY: ClassVar = f"{MODULE}:create_app"
    """What a server process imports."""

    AFTER_SECONDS: ClassVar = 5
    """Longest time for `after_run`; the deadline of the request may be over when it begins. A guess."""

    agents: Sequence[type[Agent[Any]]]
    """Its agents, in the order in which they are listed."""

    flow: Flow = field(default_factory=Parallel)
    """How they work together: `Parallel`, `Supervisor`, `Handoffs` or `OwnGraph`."""

    settings: type[Settings] = Settings
    """Its settings: a class of the owner's, derived from `harness.Settings`."""

    routers: Sequence["APIRouter"] = ()
    """Routes beside the harness's own. Each wants a key; `requires(scope)` narrows it."""

    open_paths: Collection[str] = ()
    """Exact paths of those routes that want no key, such as `/status`; the rate by address holds."""

    middleware: Sequence["Middleware"] = ()
    """ASGI middleware, the first outermost. It meets a request before it is known who calls."""

    lifespan: Lifespan | None = None
    """Start and end: an `@asynccontextmanager` that takes the settings, for HTTP and command line
    alike. What it yields, a mapping or None, is in `request.state` by name."""

    before_run: BeforeRun | None = None
    """`async def (message, thread) -> message`: may change the message, or refuse it by InputRefused."""

    after_run: AfterRun | None = None
    """`async def (reply, thread) -> reply`: may change the reply. Pieces of a stream have left before
    it, and the thread remembers the answer as the run gave it."""

    messages: Mapping[str, LocalizedMessage] = field(default_factory=dict)
    """Fixed sentences in place of the harness's, by their names in `harness/prompts/messages.py`."""

    prompts: Sequence[Prompt] = ()
    """Shared prompts in place of the harness's of the same `name`, with a version of their own."""

    def __post_init__(self) -> None:
        """Refuse what cannot work, and name the place.

        Raises:
            ConfigurationError: A part is of the wrong kind.
        """
        if problems := [*self._wrong_shapes()]:
            raise ConfigurationError([f"src/app/main.py: {problem}" for problem in problems])
        kinds: list[tuple[str, object, type]] = [("settings", self.settings, Settings)]
        kinds += [("agents", agent, Agent) for agent in self.agents]
        if not isinstance(self.flow, Flow):
            raise ConfigurationError(
                [f"src/app/flow.py: flow: {self.flow!r} is none of harness's flows, such as Parallel()"]
            )
        problems = [
            f"src/app/main.py: {place}: {part!r} is no class derived from {kind.__name__}"
            for place, part, kind in kinds
            if not (isinstance(part, type) and issubclass(part, kind))
        ]
        problems += [
            f"src/app/main.py: open_paths: {path!r} is no exact path such as /status"
            for path in self.open_paths
            if not path.startswith("/") or "{" in path
        ]
        for name in ("before_run", "after_run"):
            step = getattr(self, name)
            if step and not inspect.iscoroutinefunction(step):
                problems.append(f"src/app/main.py: {name}: write it as `async def`")
        if inspect.isasyncgenfunction(self.lifespan):
            problems.append("src/app/main.py: lifespan: put @asynccontextmanager (of contextlib) above it")
        if problems:
            raise ConfigurationError(problems)
        Overrides(self.messages, self.prompts)

    def _wrong_shapes(self) -> Iterator[str]:
        """What is no list where one is wanted, or holds something else than is wanted."""
        for name in ("agents", "routers", "open_paths", "middleware", "prompts"):
            part = getattr(self, name)
            if isinstance(part, str) or not isinstance(part, Collection):
                yield f"{name}: write a list: {name}=[...], not {part!r}"
        middleware: object = self.middleware
        for it in middleware if isinstance(middleware, Collection) else ():
            if isinstance(it, type):
                yield f"middleware: write Middleware({it.__name__}), not {it.__name__} (from starlette.middleware)"
        texts: Mapping[str, object] = self.messages
        for name, text in texts.items():
            if not isinstance(text, LocalizedMessage):
                yield f"messages: {name}: write LocalizedMessage(en=..., es=...), not {text!r}"

    async def before(self, message: str, thread: ThreadRef) -> str:
        """The message that the run answers; the guards read it afterwards.

        Raises:
            ServiceError: The owner's step refuses it.
        """
        if self.before_run is None:
            return message
        with self._named("before_run"):
            changed = await self.before_run(message, thread)
            if not isinstance(changed, str):
                raise TypeError(f"it must return the message, not {type(changed).__name__}")
            return changed

    async def after(self, reply: Reply, thread: ThreadRef) -> Reply:
        """The reply as it leaves and as a second try gets it.

        Raises:
            TimeoutError: The owner's step takes too long; nothing leaves that it has not seen.
        """
        if self.after_run is None:
            return reply
        with self._named("after_run"):
            async with asyncio.timeout(self.AFTER_SECONDS):
                changed = await self.after_run(reply, thread)
            if not isinstance(changed, Reply):
                raise TypeError(f"it must return the Reply, not {type(changed).__name__}")
            return changed

    @staticmethod
    @contextmanager
    def _named(place: str) -> Iterator[None]:
        """The log shows it below the traceback."""
        try:
            yield
        except Exception as error:
            error.add_note(f"raised in `{place}` of the Application in src/app/main.py")
            raise

    def unknown_settings(self) -> Iterator[str]:
        """What `.env` and the environment name that is no setting here: a line each, to be told as a warning.

        Raises:
            ConfigurationError: `.env` misspells settings.
        """
        endpoints = self.settings.of_endpoints().values()
        names = UnknownNames([self.settings, *endpoints, *(it.settings_class for it in self.agents)])
        if misspelt := [*names.misspelt()]:
            raise ConfigurationError(misspelt)
        return names.warnings()

    @property
    def words(self) -> Overrides:
        """Its sentences and prompts in place of the harness's."""
        return Overrides(self.messages, self.prompts)

    @asynccontextmanager
    async def started(self, settings: Settings) -> AsyncIterator[Mapping[str, Any]]:
        """The owner's start and end, around the block; what its `lifespan` yields."""
        if self.lifespan is None:
            yield {}
            return
        with self._named("lifespan"):
            opened = self.lifespan(settings)
            shared = await opened.__aenter__()
        try:
            yield shared or {}
        finally:
            with self._named("lifespan"):
                await opened.__aexit__(None, None, None)

    @classmethod
    def load(cls) -> "Application":
        """The application of this service: `application` in `src/app/main.py`."""
        application: Application = import_module(cls.MODULE).application
        return application

    def create_app(self, settings: Settings | None = None) -> "FastAPI":
        """The service over HTTP, with `settings` from the environment unless given.

        Raises:
            ConfigurationError: A setting or a part is wrong. When the server starts: the store cannot be
                opened, a model or an agent cannot be built.
        """
        from .http.app import create_app  # noqa: PLC0415  # the command line needs no server

        return create_app(self, settings)
