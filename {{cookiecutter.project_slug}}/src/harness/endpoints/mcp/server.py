"""Answers the requests of an MCP client, whatever they come by."""

import asyncio
from typing import Any, Final
from uuid import uuid4

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from ...auth.principal import Principal, Scope
from ...http.failures import Failure
from ...http.gateway import Gateway
from ...http.state import AppState
from ...project import Project
from ...runtime.replies import Event, Reply
from ...runtime.state import Decision
from .cancellation import Cancellation
from .tools import AskArguments, Results, Toolbox, Waiting

Context = ServerRequestContext[Any, Any]


class AgentServer:
    """The tools of one start of the service. Keeps nothing between two requests: any process may get the next."""

    NAME: Final = "mcp"
    """Of the endpoint."""

    STEPS: Final = frozenset({"plan", "agent_started", "agent_finished", "progress"})
    """Events of a run that are told as progress."""

    IDEMPOTENCY_KEY: Final = f"{Results.META}idempotency_key"
    """In `_meta` of a call: as the header of this name of `/v1`."""

    def __init__(self, running: AppState, address: str) -> None:
        """Answer for the agents of `running`; `address` is where callers reach `/v1`."""
        project = Project.load()
        self._gateway: Gateway = running.gateway(self.NAME)
        self._tools = Toolbox(running.service.agents, running.settings)
        self._address = address
        self._deciding: set[asyncio.Task[Reply]] = set()
        self.cancellation = Cancellation(self._gateway)
        self.server: Server[Any] = Server(
            project.name,
            version=project.version,
            title=project.title,
            instructions=project.description,
            get_tool_input_schema=lambda _: self._tools.schema,
            on_list_tools=self.list_tools,
            on_call_tool=self.call_tool,
        )

    async def list_tools(self, context: Context, page: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        """All tools, on one page."""
        return types.ListToolsResult(tools=self._tools.listed)

    async def call_tool(
        self, context: Context, call: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        """The result of one tool: an answer, a question to the person at the client, or why there is none.

        Raises:
            MCPError: What no model can do anything about, by `http/failures.csv`.
        """
        state = context.request.state if context.request is not None else None
        caller: Principal = state.principal if state else Principal.anonymous()
        try:
            result = await self.cancellation.watched(caller, context, self._result(context, caller, call))
        except Exception as error:  # noqa: BLE001  # told by the table of failures alone
            failure = Failure.recorded(error, state.request_id if state else uuid4().hex)
            if failure.words.mcp == "tool":
                return Results.of_failure(failure)
            raise MCPError(int(failure.words.mcp), failure.text, Results.meta(failure)) from None
        return result if result is not None else Results.of_nothing_done(Results.WITHDRAWN)

    async def _result(
        self, context: Context, caller: Principal, call: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        if call.request_state is not None:
            decided = await self._decided(caller, Waiting.read(call.request_state), call.input_responses)
            if decided is None:
                return Results.of_nothing_done(Results.NOT_DECIDED)
            reply = decided
        else:
            reply = await self._asked(context, caller, call)
        if reply.approvals and Scope.APPROVE in caller.scopes and self._can_ask(context):
            return Results.question(reply)
        return Results.of_reply(reply, self._address)

    async def _asked(self, context: Context, caller: Principal, call: types.CallToolRequestParams) -> Reply:
        agent = self._tools.agent(call.name)
        asked = AskArguments.read(call.arguments or {})
        key = (context.meta or {}).get(self.IDEMPOTENCY_KEY)
        run = self._gateway.stream(
            caller, asked.message, asked.thread_id, idempotency_key=key if isinstance(key, str) else None, only=agent
        )
        steps = 0
        last: Event | None = None
        async with run:
            async for last in run:
                if last["event"] in self.STEPS:
                    steps += 1
                    await context.session.report_progress(steps, message=self._told(last))
        return Reply.model_validate(last and last["data"])  # a run ends with `final`

    async def _decided(self, caller: Principal, waiting: Waiting, answers: types.InputResponses | None) -> Reply | None:
        verdict = Results.verdict(answers)
        if verdict is None:
            return None
        decision = Decision(id=waiting.id, verdict="approve" if verdict else "reject")
        # In a task of its own: what was approved goes on when the client leaves, and anyio's
        # cancellation, sent on every turn of the loop, would leave it half done.
        task = asyncio.create_task(self._gateway.decide(caller, decision, waiting.thread_id))
        self._deciding.add(task)
        task.add_done_callback(self._deciding.discard)
        return await asyncio.shield(task)

    @staticmethod
    def _can_ask(context: Context) -> bool:
        """Whether the client shows forms. One of the protocol up to 2025-11-25 would have to hold a session."""
        told = context.session.client_capabilities
        forms = told.elicitation if told else None
        is_modern = context.protocol_version in MODERN_PROTOCOL_VERSIONS
        return is_modern and forms is not None and (forms.form is not None or forms.url is None)

    @staticmethod
    def _told(event: Event) -> str:
        data = event["data"]
        parts = (event["event"].replace("_", " "), data.get("agent"), data.get("status"))
        return " ".join(part for part in parts if isinstance(part, str))
