"""Who may do what on the server: nothing, but for threads and runs in the forms that are read."""

from collections.abc import Mapping, MutableMapping, Sequence
from contextlib import suppress
from typing import Any, Final
from uuid import UUID

from fastapi import FastAPI
from langgraph_sdk import Auth

from ...auth.authenticator import Authenticator
from ...auth.principal import Principal, Scope
from ...errors import InputRefused, ScopeMissing, ThreadUnknown
from ...guards.input import InputGuard
from ...guards.personal_data import PiiRules
from ...storage.thread_ref import PUBLIC, ThreadRef
from ...telemetry.redaction import Redactor
from ..state import AppState
from .inputs import MASKED, RunInput

ANONYMOUS: Final = "anonymous"
"""A caller without a name: the server wants one."""

OWNER: Final = "owner"
"""Where a thread's metadata say whose it is."""

SCOPES: Final[Mapping[tuple[str, str], Scope]] = {
    ("assistants", "read"): Scope.CHAT,
    ("assistants", "search"): Scope.CHAT,
    ("threads", "create"): Scope.CHAT,
    ("threads", "create_run"): Scope.CHAT,
    ("threads", "read"): Scope.CHAT,
    ("threads", "update"): Scope.CHAT,
    ("threads", "search"): Scope.THREADS,
    ("threads", "delete"): Scope.THREADS,
}
"""What may be done, with which scope; all else may not. To read what a thread says `ServedGraph` asks for more."""


class Hooks:
    """Authentication and authorization of the server's own routes."""

    FIELDS: Final = frozenset({"input", "command", "config", "context"})
    """What of a run is read, and rewritten before the server keeps it."""

    SWITCHES: Final = frozenset(
        {"stream_mode", "temporary", "subgraphs", "resumable", "checkpoint_during", "durability"}
    )
    """What of a run changes how it is shown, or nothing."""

    OWN_KEYS: Final = ("langgraph_", "__request_start", "__after_")
    """How keys of a run's configuration begin that the server writes; a caller's own mean nothing."""

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
            RateLimitExceeded: A quota is used up.
        """
        caller = self.principal(ctx.user)
        needed = SCOPES.get((ctx.resource, ctx.action))
        if needed is None:
            return False
        self._require(caller, needed)
        own = {OWNER: ctx.user.identity}
        match ctx.resource, ctx.action:
            case "assistants", _:
                return True
            case "threads", "update":  # to cancel a run is one too; to write a state, or metadata, is not
                return own if value.get("action") else False
            case "threads", "create" if "metadata" not in value:  # a copy: of nothing, for the server's saver is empty
                return False
            case "threads", "create" | "create_run" as action:
                if action == "create_run":
                    await self._rewrite(value, caller)
                self._note(value, own)
            case "threads", "delete" if not value.get("run_id"):
                with suppress(ThreadUnknown):
                    await self._running.threads.delete(self._thread(caller, value["thread_id"]))
        return own

    async def _rewrite(self, run: MutableMapping[str, Any], caller: Principal) -> None:
        """Leave of a run what is read of it, without the personal data that messages lose."""
        settings = self._running.settings
        personal = PiiRules(settings.personal_data_in)
        given = run["kwargs"]
        if foreign := sorted(name for name, it in given.items() if it and name not in self.FIELDS | self.SWITCHES):
            raise InputRefused(foreign[0], "a run takes none here")
        masked: Sequence[str] = ()
        if command := {name: it for name, it in (given["command"] or {}).items() if it is not None}:
            if command.keys() != {"resume"}:
                raise InputRefused("command", RunInput.DECISION)
            self._require(caller, Scope.APPROVE)
            given["command"] = {"resume": RunInput.decision(command["resume"])}
            given["input"] = None
        else:
            message = RunInput.message(given["input"])
            question, masked = personal.mask_input(InputGuard(settings.message_max_chars).clean(message))
            # As it was received where nothing is masked: the guards look for hidden signs too.
            given["input"] = {"message": question if masked else message}
        config = given["config"]
        kept = {name: it for name, it in config.get("configurable", {}).items() if name.startswith(self.OWN_KEYS)}
        config.clear()  # the server goes on with this one
        config["configurable"] = kept | {MASKED: [*masked]}
        given["context"] = {}
        thread = self._thread(caller, run.get("thread_id") or run["run_id"])
        await self._running.limiter.check(caller.id, thread.key)

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
