"""What the tools look like to a client: their list, their arguments, and their results."""

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any, Final, Self

import mcp_types as types
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError

from ...errors import AgentUnknown
from ...http.failures import Failure, Form
from ...prompts.language import Translations
from ...runtime.agent import Agent
from ...runtime.replies import ApprovalRequest, Reply
from ...settings import Settings


class Strict(BaseModel, extra="forbid", strict=True, use_attribute_docstrings=True):
    """A form that a client's text must have."""

    @classmethod
    def read(cls, data: Mapping[str, Any] | str) -> Self:
        """The form in `data`, an object or JSON.

        Raises:
            RequestValidationError: It is not there.
        """
        try:
            return cls.model_validate_json(data) if isinstance(data, str) else cls.model_validate(data)
        except ValidationError as bad:
            errors = bad.errors(include_url=False)
            raise RequestValidationError([{**it, "loc": ("body", *it["loc"])} for it in errors]) from None


class AskArguments(Strict):
    """What every tool takes."""

    message: Annotated[str, Field(pattern=Form.MESSAGE)]
    """The question; several tasks may be in one."""

    thread_id: Annotated[str | None, Field(pattern=Form.THREAD_ID)] = None
    """The conversation to go on with, as the result before named it; without it one begins."""


class Waiting(Strict):
    """The call that a client was asked to decide about. No secret and no proof: the store knows what waits."""

    id: Annotated[str, Field(pattern=Form.APPROVAL_ID)]
    thread_id: Annotated[str, Field(pattern=Form.THREAD_ID)]


class Toolbox:
    """`ask`, which is answered by all agents, and `ask_<agent>` for each."""

    ASK: Final = "ask"

    ABOUT: Final = "Ask the service, which picks the agents that answer; several tasks may be in one message."

    def __init__(self, agents: Sequence[Agent[Any]], settings: Settings) -> None:
        self._agents = {f"{self.ASK}_{agent.name}": agent for agent in agents}
        self._language = settings.language
        self.schema = AskArguments.model_json_schema()
        """JSON schema of the arguments."""
        self.schema["properties"]["message"]["maxLength"] = settings.message_max_chars

    def agent(self, tool: str) -> str:
        """The name of the agent that `tool` asks; empty: the service picks.

        Raises:
            AgentUnknown: There is no such tool.
        """
        if tool == self.ASK:
            return ""
        if tool not in self._agents:
            raise AgentUnknown(tool)
        return self._agents[tool].name

    @cached_property
    def listed(self) -> list[types.Tool]:
        """All of them."""
        every = "\n".join(f"{it.name}: {self._about(it)}" for it in self._agents.values())
        only_reads = all(map(self._only_reads, self._agents.values()))
        tools = [self._tool(self.ASK, f"{self.ABOUT}\n{every}", only_reads=only_reads)]
        for name, agent in self._agents.items():
            examples = "; ".join(Translations.pick(agent.examples, self._language))
            about = f"{self._about(agent)} Such as: {examples}"
            tools.append(self._tool(name, about, only_reads=self._only_reads(agent)))
        return tools

    def _about(self, agent: Agent[Any]) -> str:
        about: str = Translations.pick(agent.description, self._language)
        return about

    @staticmethod
    def _only_reads(agent: Agent[Any]) -> bool:
        """Whether that is known: the tools of a graph, or of other agents that it asks, stand in no policy of its own."""
        return bool(agent.granted.tools) and not agent.granted.requires_approval

    def _tool(self, name: str, about: str, *, only_reads: bool) -> types.Tool:
        hints = types.ToolAnnotations(read_only_hint=only_reads, open_world_hint=True)
        result = Reply.model_json_schema(mode="serialization")
        return types.Tool(
            name=name, title=name, description=about, input_schema=self.schema, output_schema=result, annotations=hints
        )


class Results:
    """Replies, questions and failures as the protocol has them."""

    DECISION: Final = "decision"

    META: Final = "harness/"
    """Begins the names of what we add to `_meta`."""

    WITHDRAWN: Final = "The client has cancelled this call."

    NOT_DECIDED: Final = "This call was not decided: nothing was done about it, and it still waits for approval."

    @classmethod
    def of_reply(cls, reply: Reply, address: str) -> types.CallToolResult:
        """The answer, what else a model must know that sees texts alone, and the whole as data.

        `address`: of the service, whose `/v1` decides about what waits.
        """
        sources = [f"- {it.title}: {it.url}" for it in reply.sources]
        waits = [
            f"Waits for approval: {cls._shown(it)}. A person with the scope `approve` decides it until "
            f"{it.expires_at} by POST {address}/v1/threads/{reply.thread_id}/approvals/{it.id}"
            for it in reply.approvals
        ]
        parts = [
            "\n".join(["Sources:", *sources]) if sources else "",
            *reply.notices,
            *waits,
            f"To go on with this conversation: thread_id {reply.thread_id}",
        ]
        more = "\n\n".join(part for part in parts if part)
        return cls._told(reply.answer, more, structured_content=reply.model_dump(mode="json"))

    @classmethod
    def of_failure(cls, failure: Failure) -> types.CallToolResult:
        """A failed call, which the model of the client reads."""
        return cls._told(failure.text, is_error=True, _meta=cls.meta(failure))

    @classmethod
    def of_nothing_done(cls, text: str) -> types.CallToolResult:
        """A call that came to no answer."""
        return cls._told(text, is_error=True)

    @classmethod
    def meta(cls, failure: Failure) -> dict[str, Any]:
        """For programs: the name of the problem, the request's id, and when to try again."""
        told: dict[str, Any] = {"problem": failure.code, "request_id": failure.request_id}
        if failure.retry_after_seconds is not None:
            told["retry_after_seconds"] = failure.retry_after_seconds
        return {cls.META + name: value for name, value in told.items()}

    @classmethod
    def question(cls, reply: Reply) -> types.InputRequiredResult:
        """Asks the person at the client about the first call that waits."""
        call = reply.approvals[0]
        answer = {"type": "boolean", "title": "Approve", "description": cls._shown(call)}
        schema = {"type": "object", "properties": {"approve": answer}, "required": ["approve"]}
        form = types.ElicitRequestFormParams(message=f"Approve this call? {cls._shown(call)}", requested_schema=schema)
        state = Waiting(id=call.id, thread_id=reply.thread_id).model_dump_json()
        return types.InputRequiredResult(
            input_requests={cls.DECISION: types.ElicitRequest(params=form)}, request_state=state
        )

    @classmethod
    def verdict(cls, answers: types.InputResponses | None) -> bool | None:
        """What the person said to it; None: nothing.

        Raises:
            RequestValidationError: The answer is of another form.
        """
        answer = (answers or {}).get(cls.DECISION)
        if not isinstance(answer, types.ElicitResult):
            raise RequestValidationError([{"type": "missing", "loc": ("body", cls.DECISION), "msg": "Field required"}])
        if answer.action == "cancel":
            return None
        return answer.action == "accept" and (answer.content or {}).get("approve") is True

    @staticmethod
    def _shown(call: ApprovalRequest) -> str:
        return f"{call.agent}.{call.tool}({json.dumps(call.arguments, ensure_ascii=False)})"

    @staticmethod
    def _told(*texts: str, **parts: Any) -> types.CallToolResult:
        return types.CallToolResult(content=[types.TextContent(text=it) for it in texts], **parts)
