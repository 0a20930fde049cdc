"""What an owner brings to the harness, and how a process finds it."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from .errors import ConfigurationError
from .hooks import AfterRun, BeforeRun, RunHooks
from .prompts.messages import LocalizedMessage
from .prompts.overrides import Overrides
from .prompts.prompt import Prompt
from .runtime.agent import Agent
from .settings import Settings

if TYPE_CHECKING:
    from fastapi import APIRouter, FastAPI
    from starlette.middleware import Middleware

Lifespan = Callable[[Any], AbstractAsyncContextManager[Mapping[str, Any] | None]]


@dataclass(frozen=True, slots=True)
class Application:
    """One service: the owner's parts, made into an application by `create_app`."""

    MODULE: ClassVar = "app.main"
    FACTORY: ClassVar = f"{MODULE}:create_app"
    """What a server process imports."""

    agents: Sequence[type[Agent[Any]]]
    """Its agents, in the order in which they are listed."""

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
        kinds: list[tuple[str, object, type]] = [("settings", self.settings, Settings)]
        kinds += [("agents", agent, Agent) for agent in self.agents]
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
        if problems:
            raise ConfigurationError(problems)
        RunHooks(self.before_run, self.after_run)
        Overrides(self.messages, self.prompts)

    @property
    def hooks(self) -> RunHooks:
        """Its steps before and after each run."""
        return RunHooks(self.before_run, self.after_run)

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
        with RunHooks.named("lifespan"):
            opened = self.lifespan(settings)
            shared = await opened.__aenter__()
        try:
            yield shared or {}
        finally:
            with RunHooks.named("lifespan"):
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
