"""Who may do what on the server: nothing, but for threads and runs in the forms that are read."""

from collections.abc import Mapping, MutableMapping, Sequence
from contextlib import suppress
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID, uuid4

from fastapi import FastAPI
from langgraph_sdk import Auth

from ...auth.authenticator import Authenticator
from ...auth.principal import Principal, Scope
from ...errors import InputRefused, ScopeMissing, ThreadUnknown
from ...guards.input import InputGuard
from ...guards.personal_data import PiiRules
from ...storage.thread_ref import PUBLIC, ThreadRef
from ...telemetry.redaction import Redactor
from ..failures import RequestRefused
from ..state import AppState
from .inputs import MASKED, RunInput
from .queue import RunQueue

ANONYMOUS: Final = "anonymous"
"""A caller without a name: the server wants one."""

OWNER: Final = "owner"
"""Where a thread's metadata say whose it is."""

NEW: Final = "new"
"""What no thread's metadata answer with: only one that is made now passes."""

SCOPES: Final[Mapping[tuple[str, str], Scope]] = {
    ("assistants", "read"): Scope.CHAT,
    ("assistants", "search"): Scope.CHAT,
    ("threads", "create"): Scope.CHAT,
    ("threads", "create_run"): Scope.CHAT,
    ("threads", "read"): Scope.THREADS,
    ("threads", "update"): Scope.THREADS,
    ("threads", "search"): Scope.THREADS,
    ("threads", "delete"): Scope.THREADS,
}
"""What may be done, with which scope; all else may not."""

OWN_RUN: Final[ContextVar[bool]] = ContextVar("own_run", default=False)
"""True in a request that has made a run: the server asks then whether its caller may read that one, or leave it."""


class Hooks:
    """Authentication and authorization of the server's own routes."""

    FIELDS: Final = frozenset({"input", "command", "config", "context"})
    """What of a run is read, and rewritten before the server keeps it."""

    SWITCHES: Final = frozenset(
        {"stream_mode", "temporary", "subgraphs", "resumable", "checkpoint_during", "durability"}
    )
    """What of a run changes how it is shown, or nothing."""

    OWN_KEYS: Final = frozenset(
        {"langgraph_auth_user", "langgraph_auth_user_id", "langgraph_auth_permissions", "__request_start_time_ms__"}
    )
    """Keys of a run's configuration that the server writes, and takes from no caller; all others mean nothing."""

    NO_FIELD: Final = "a run takes none here"

    OF_A_RUN: Final = frozenset({"read", "update"})
    """What the server asks about the run that a request has made."""

    ENDING: Final = frozenset({"interrupt", "rollback"})
    """What a run does to those under way in its thread, as one who cancels them."""

    ONE_THREAD: Final = "Threads are deleted one at a time, with what the service keeps of them."

    def __init__(self, app: FastAPI) -> None:
        """Of the service that `app` serves, once it has started."""
        self._app = app
        self.auth = Auth()
        self.auth.authenticate(self.authenticate)
        self.auth.on(self.authorize)

    @property
    def _running(self) -> AppState:
        running: AppState = self._app.state.running
        return running

    @staticmethod
    def principal(user: Any) -> Principal:
        """The caller, as the server has been told of it."""
        name = user.identity
        return Principal(PUBLIC if name == ANONYMOUS else name, Scope.parse(user.permissions))

    async def authenticate(self, scope: Mapping[str, Any]) -> Auth.types.MinimalUserDict:
        """The caller whom `AuthenticationMiddleware` has let in, whatever stands in front of this.

        Raises:
            HTTPException: It has let nobody in: 401.
        """
        principal: Principal | None = scope.get("state", {}).get("principal")
        if principal is None:
            raise Auth.exceptions.HTTPException(status_code=401, detail="Unauthenticated")
        return {"identity": principal.id or ANONYMOUS, "permissions": sorted(principal.scopes)}

    async def authorize(self, ctx: Auth.types.AuthContext, value: MutableMapping[str, Any]) -> Auth.types.HandlerResult:
        """Let a caller do what `SCOPES` lists, with its own threads.

        Raises:
            ScopeMissing: The caller has not the scope.
            InputRefused: A run is asked for in another form.
            RequestRefused: Several threads are to be deleted.
            RateLimitExceeded: A quota is used up.
        """
        caller = self.principal(ctx.user)
        needed = SCOPES.get((ctx.resource, ctx.action))
        if needed is None:
            return False
        self._require(caller, Scope.CHAT if ctx.action in self.OF_A_RUN and OWN_RUN.get() else needed)
        own = {OWNER: ctx.user.identity}
        match ctx.resource, ctx.action:
            case "assistants", _:
                return True
            case "threads", "update":  # to cancel a run is one too; to write a state, or metadata, is not
                return own if value.get("action") else False
            case "threads", "create":
                return self._create(value, caller, own)
            case "threads", "create_run":
                await self._rewrite(value, caller)
                self._note(value, own)
                OWN_RUN.set(True)
            case "threads", "delete":
                await self._delete(value, caller)
        return own

    def _create(
        self, made: MutableMapping[str, Any], caller: Principal, own: Mapping[str, str]
    ) -> Auth.types.HandlerResult:
        """Which thread may be made, or be there; the server would show what one that is there holds."""
        if "metadata" not in made:  # a copy: of nothing, for the server's saver is empty
            return False
        self._note(made, own)
        return {**own} if Scope.THREADS in caller.scopes else {**own, NEW: str(uuid4())}

    async def _delete(self, gone: Mapping[str, Any], caller: Principal) -> None:
        """Delete what the service keeps of a thread; of a run that is deleted it keeps all."""
        if "thread_id" not in gone:
            raise RequestRefused(HTTPStatus.FORBIDDEN, self.ONE_THREAD)
        if not gone.get("run_id"):
            with suppress(ThreadUnknown):
                await self._running.threads.delete(self._thread(caller, gone["thread_id"]))

    async def _rewrite(self, run: MutableMapping[str, Any], caller: Principal) -> None:
        """Leave of a run what is read of it, without the personal data that messages lose."""
        settings = self._running.settings
        personal = PiiRules(settings.personal_data_in)
        given = run["kwargs"]
        if run.get("after_seconds"):
            raise InputRefused("after_seconds", self.NO_FIELD)
        if run.get("multitask_strategy") in self.ENDING:
            self._require(caller, Scope.THREADS)
        if foreign := sorted(name for name, it in given.items() if it and name not in self.FIELDS | self.SWITCHES):
            raise InputRefused(foreign[0], self.NO_FIELD)
        masked: Sequence[str] = ()
        if command := {name: it for name, it in (given["command"] or {}).items() if it is not None}:
            if command.keys() != {"resume"}:
                raise InputRefused("command", RunInput.DECISION)
            self._require(caller, Scope.APPROVE)
            decision = RunInput.decision(command["resume"])
            if "value" in decision:  # an answer of theirs loses what a message does, as once it is used
                decision["value"] = Redactor.map_texts(decision["value"], lambda it: personal.mask_input(it)[0])
            given["command"] = {"resume": decision}
            given["input"] = None
        else:
            message = RunInput.message(given["input"])
            question, masked = personal.mask_input(InputGuard(settings.message_max_chars).clean(message))
            # As it was received where nothing is masked: the guards look for hidden signs too.
            given["input"] = {"message": question if masked else message}
        config = given["config"]
        kept = {name: it for name, it in config.get("configurable", {}).items() if name in self.OWN_KEYS}
        config.clear()  # the server goes on with this one
        config["configurable"] = kept | {MASKED: [*masked]}
        given["context"] = {}
        thread = self._thread(caller, run.get("thread_id") or run["run_id"])
        await self._running.limiter.check(caller.id, thread.key)
        per_caller, seconds = self._running.service.per_caller, settings.request_timeout_seconds
        RunQueue.of(self._app).put(str(run["run_id"]), caller.id, per_caller, seconds)

    def _note(self, made: MutableMapping[str, Any], own: Mapping[str, str]) -> None:
        """Say in a thread's or a run's metadata whose it is; what else its caller says there loses what messages lose."""
        metadata = made["metadata"]
        noted = Redactor.map_texts(metadata, PiiRules(self._running.settings.personal_data_in).hidden) | own
        metadata.clear()  # the server goes on with this one
        metadata.update(noted)

    @staticmethod
    def _thread(caller: Principal, given: object) -> ThreadRef:
        """The conversation that the service keeps for a thread of the server's."""
        return caller.conversation(UUID(str(given)).hex)

    @staticmethod
    def _require(caller: Principal, scope: Scope) -> None:
        try:
            caller.require_scope(scope)
        except ScopeMissing as refusal:
            Authenticator.record_refusal(refusal.code)
            raise
