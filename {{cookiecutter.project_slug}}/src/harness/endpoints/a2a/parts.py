"""What messages of A2A hold: a question or a decision comes in, an answer and calls that wait go out."""

from collections.abc import Callable, Collection, Sequence
from typing import Any, Final, Literal, cast
from uuid import uuid4

from a2a.helpers.proto_helpers import get_data_parts, get_text_parts, new_data_part, new_text_part
from a2a.types.a2a_pb2 import Artifact, Message, Part, Role, TaskState
from a2a.utils.errors import ContentTypeNotSupportedError, InvalidParamsError
from pydantic.alias_generators import to_camel

from ...runtime.replies import Reply
from ...runtime.state import Decision


class Incoming:
    """A message of the caller's."""

    KINDS: Final = ("text", "data")
    ID_MAX_CHARS: Final = 256  # ids are UUIDs; a guess

    def __init__(self, message: Message) -> None:
        """Read `message`.

        Raises:
            ContentTypeNotSupportedError: A part is a file or an address.
            InvalidParamsError: It is not the user's, decides twice, or has an id that is too long.
        """
        if any(part.WhichOneof("content") not in self.KINDS for part in message.parts):
            raise ContentTypeNotSupportedError("Send text parts, or a data part with a decision; no files are read.")
        if message.role == Role.ROLE_AGENT:
            raise InvalidParamsError("message.role: it must be ROLE_USER; what the service said, it knows itself.")
        if len(message.message_id) > self.ID_MAX_CHARS:
            raise InvalidParamsError(f"message.messageId: it must be at most {self.ID_MAX_CHARS} characters long.")
        self._message = message
        self.text = "\n".join(get_text_parts(message.parts))
        data = get_data_parts(message.parts)
        decisions = [it for it in data if isinstance(it, dict) and "decision" in it]
        if len(decisions) > 1:
            raise InvalidParamsError("message.parts: send one decision a message.")
        self._decision = decisions[0] if decisions else None

    def decision(self, waiting: Collection[str]) -> Decision | None:
        """What it decides about the calls that wait, by their ids; None where it decides nothing.

        Raises:
            InvalidParamsError: It names no call that waits, or is neither yes nor no; or it says nothing at all.
        """
        if self._decision is None:
            if not self.text.strip():
                raise InvalidParamsError("message.parts: send a text part with the question, or a decision.")
            return None
        verdict = self._decision["decision"]
        if verdict not in ("approve", "reject"):
            raise InvalidParamsError("decision: it must be `approve` or `reject`.")
        named = self._decision.get("id", next(iter(waiting)) if len(waiting) == 1 else None)
        if named not in waiting:
            raise InvalidParamsError("id: name the call, of those that wait in `approvals` of this task.")
        decision = Decision(id=str(named), verdict=cast(Literal["approve", "reject"], verdict))
        if "value" in self._decision:
            decision["value"] = self._decision["value"]
        return decision

    def masked(self, mask: Callable[[str], str]) -> Message:
        """What is kept of it: its texts as one, and its decision, without personal data."""
        parts = [new_text_part(mask(self.text))] if self.text else []
        if self._decision is not None:
            parts.append(new_data_part(self._masked_value(self._decision, mask)))
        return Message(message_id=mask(self._message.message_id), role=Role.ROLE_USER, parts=parts)

    @classmethod
    def _masked_value(cls, value: Any, mask: Callable[[str], str]) -> Any:
        match value:
            case str():
                return mask(value)
            case dict():
                return {mask(name): cls._masked_value(it, mask) for name, it in value.items()}
            case list():
                return [cls._masked_value(it, mask) for it in value]
            case float() if value.is_integer():  # a card's number may come as one: A2A has no integers
                text = str(int(value))
                return value if mask(text) == text else mask(text)
        return value


class Outgoing:
    """What the service says, as parts."""

    ANSWER: Final = "answer"
    """Id of the artifact that is the answer."""
    APPROVALS: Final = "approvals"

    @classmethod
    def piece(cls, text: str) -> Artifact:
        """A piece of the answer."""
        return Artifact(artifact_id=cls.ANSWER, name=cls.ANSWER, parts=[new_text_part(text)])

    @classmethod
    def end(cls, reply: Reply) -> tuple[TaskState, Message | None, Artifact]:
        """The state in which a reply leaves a task, what it asks back, and the answer."""
        waiting = cls.waiting(reply)
        if waiting is None and not any(it.status == "asked" for it in reply.agents):
            return TaskState.TASK_STATE_COMPLETED, None, cls.answer(reply)
        message = cls.message(new_text_part(reply.answer), waiting)
        return TaskState.TASK_STATE_INPUT_REQUIRED, message, cls.answer(reply)

    @classmethod
    def answer(cls, reply: Reply) -> Artifact:
        """The whole answer, and what a program needs to trust it."""
        told = reply.model_dump(mode="json", exclude={"answer", "approvals", "thread_id"})
        artifact = cls.piece(reply.answer)
        artifact.parts.append(new_data_part(cls._camel(told)))
        return artifact

    @classmethod
    def waiting(cls, reply: Reply) -> Part | None:
        """The calls that wait for a person; None where none does."""
        if not reply.approvals:
            return None
        calls = [it.model_dump(mode="json") for it in reply.approvals]
        return new_data_part({cls.APPROVALS: cls._camel(calls)})

    @classmethod
    def calls(cls, parts: Sequence[Part]) -> tuple[Part | None, dict[str, str]]:
        """Of a task's status: the part with the calls that wait, and until when each does, by their ids."""
        for part in parts:
            data = get_data_parts([part])
            if data and isinstance(data[0], dict) and cls.APPROVALS in data[0]:
                return part, {it["id"]: it["expiresAt"] for it in data[0][cls.APPROVALS]}
        return None, {}

    @staticmethod
    def message(*parts: Part | None, **metadata: Any) -> Message:
        """A message of the service's."""
        message = Message(message_id=str(uuid4()), role=Role.ROLE_AGENT, parts=[it for it in parts if it])
        message.metadata.update(metadata)
        return message

    @classmethod
    def _camel(cls, value: Any) -> Any:
        """With the protocol's names of fields; those of a tool's arguments are the tool's own."""
        if isinstance(value, dict):
            return {to_camel(name): it if name == "arguments" else cls._camel(it) for name, it in value.items()}
        return [cls._camel(it) for it in value] if isinstance(value, list) else value
