"""Brings every model's answer, whole or in pieces, into one form: what it says, what it calls, and how it ended."""

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Self

import orjson
from langchain_core.messages import AIMessage, AIMessageChunk, InvalidToolCall, message_chunk_to_message
from langchain_core.messages.ai import UsageMetadata, add_ai_message_chunks
from langchain_core.messages.tool import ToolCall, invalid_tool_call, tool_call, tool_call_chunk
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from .endings import Ending, Endings
from .failures import ModelCallFailed
from .loose_json import LooseJson
from .text_form import TextForm, TextPieces
from .thoughts import Thoughts

CUT: Final = "cut"
"""In the metadata of an answer that was cut and ends with its last whole sentence."""


@dataclass(frozen=True, slots=True)
class AnswerForm:
    """What is asked for, by which an answer is read. Reading one twice changes nothing."""

    names: frozenset[str] = frozenset()
    """Tools and schemas that may be called."""
    is_required: bool = False
    """True where one must be called, such as to fill a schema."""
    is_json: bool = False
    """True where the text must be JSON."""
    may_be_silent: bool = False
    """True for the embedded model, which has an end but no reason for it."""

    CHOSEN: ClassVar = (None, False, "auto", "none")
    """Values of `tool_choice` that leave the choice to the model."""
    ARGUMENTS: ClassVar = ("arguments", "parameters", "args", "input")
    """Under which names models write a call's arguments, where they write it as text."""
    CALL_KEYS: ClassVar = frozenset({"name", "id", "type", "function", *ARGUMENTS})
    MARKED_CALL: ClassVar = re.compile(
        r"(?:<\|?tool_calls?\|?>|\[TOOL_CALLS\])(.*?)(?:<\|?/tool_calls?\|?>|\Z)", re.DOTALL | re.IGNORECASE
    )
    BARE_CALL: ClassVar = re.compile(r"\s*(?:```[\w-]*\s*)?[\[{].*[\]}]\s*(?:```)?\s*", re.DOTALL)
    LIKE_A_CALL: ClassVar = re.compile(r"\s*(?:[{\[`]|<\|?tool_call)", re.IGNORECASE)
    """How a text begins that may turn out to be a call."""

    @classmethod
    def of(cls, tools: Iterable[Any], options: Mapping[str, Any], *, may_be_silent: bool = False) -> Self:
        """The form of answers of a model that `tools` are bound to with `options`."""
        names = frozenset(filter(None, map(cls._name, tools)))
        is_required = options.get("tool_choice") not in cls.CHOSEN
        return cls(names, is_required, bool(options.get("response_format")), may_be_silent)

    def whole(self, answer: AIMessage) -> AIMessage:
        """A whole answer in that form.

        Raises:
            ModelCallFailed: It says nothing, was withheld, or cut before its first whole sentence.
        """
        return self._checked(self._formed(answer), Endings.of(answer.response_metadata))

    def joined(self, pieces: Sequence[AIMessageChunk]) -> AIMessage:
        """The answer whose `pieces` have come in that form; raises what `whole` raises."""
        chunk = add_ai_message_chunks(*pieces)
        calls: list[InvalidToolCall] = []
        for it in chunk.tool_call_chunks:
            if (
                calls and it["index"] is None and not it["name"]
            ):  # more of the one before, from an endpoint that counts none
                calls[-1]["args"] = f"{calls[-1]['args'] or ''}{it['args'] or ''}"
            else:
                calls.append(invalid_tool_call(name=it["name"], args=it["args"], id=it["id"]))
        message: Any = message_chunk_to_message(chunk)
        answer: AIMessage = message.model_copy(update={"tool_calls": [], "invalid_tool_calls": calls})
        return self._checked(self._formed(answer), CUT if chunk.response_metadata.get(CUT) else "whole")

    def pieces(self, *, is_held: bool = False) -> "AnswerPieces":
        """Reads an answer in pieces; with `is_held` its words wait for its end."""
        return AnswerPieces(self, is_held=is_held)

    def calls_in(self, text: str) -> list[ToolCall]:
        """The calls that a model wrote as text; none where it is an answer."""
        marked = self.MARKED_CALL.findall(text)
        if marked or self.BARE_CALL.fullmatch(text):
            found = [self._as_call(it) for part in marked or [text] for it in LooseJson.objects_in(part)]
            if found and None not in found:
                return [it for it in found if it]
        if not self.is_required:
            return []
        written = list(LooseJson.objects_in(text))
        calls = [call for it in written if (call := self._as_call(it))]
        if not calls and written and len(self.names) == 1:
            calls = [tool_call(name=next(iter(self.names)), args=TextForm.plain_in(written[-1]), id=self._id())]
        return calls

    def whole_part(self, text: str) -> str:
        """The sentences of a cut text that are whole; none where it is no prose."""
        return "" if self.is_required or self.is_json else Endings.sentences(text)

    @staticmethod
    def says_something(message: AIMessage) -> bool:
        """Whether a message or a piece of one says anything; thoughts and broken calls count."""
        calls: Any = getattr(message, "tool_call_chunks", None) or message.tool_calls
        if calls or message.invalid_tool_calls or any(message.additional_kwargs.values()):
            return True
        return AnswerForm.is_said(message.content)

    @staticmethod
    def is_said(content: Any) -> bool:
        """Whether a message's content is more than empty text."""
        blocks = [content] if isinstance(content, str) else content
        return any(it if isinstance(it, str) else it.get("type") != "text" or it.get("text") for it in blocks)

    def _formed(self, answer: AIMessage) -> AIMessage:
        content = self._mapped(answer.content, lambda text: Thoughts.left_out(TextForm.plain(text)))
        calls, broken = self._calls([*answer.tool_calls, *answer.invalid_tool_calls])
        changes: dict[str, Any] = {"content": content, "tool_calls": calls, "invalid_tool_calls": broken}
        formed = answer.model_copy(update=changes)
        if self.names and not (calls or broken) and (written := self.calls_in(formed.text)):
            return formed.model_copy(update={"content": "", "tool_calls": written})
        if self.is_json and (found := next(LooseJson.objects_in(formed.text), None)) is not None:
            return formed.model_copy(update={"content": orjson.dumps(found).decode()})
        return formed

    def _checked(self, answer: AIMessage, ending: Ending | None) -> AIMessage:
        self.refuse(ending)
        has_calls = bool(answer.tool_calls or answer.invalid_tool_calls)
        if ending != CUT:
            if not (self.may_be_silent or self.says_something(answer)):
                raise ModelCallFailed("said_nothing")
            return answer
        text = self.whole_part(answer.text)
        if has_calls or not text:  # half a call is another call
            raise ModelCallFailed("cut")
        return answer.model_copy(update={"content": text, "response_metadata": {**answer.response_metadata, CUT: True}})

    @staticmethod
    def refuse(ending: Ending | None) -> None:
        """Let an answer pass, whole or cut.

        Raises:
            ModelCallFailed: It was withheld, or broke.
        """
        if ending == "withheld":
            raise ModelCallFailed("withheld")
        if ending == "failed":
            raise ModelCallFailed("upstream_error")

    def _calls(self, given: Sequence[ToolCall | InvalidToolCall]) -> tuple[list[ToolCall], list[InvalidToolCall]]:
        """The calls whose meaning is plain, and the others."""
        calls: list[ToolCall] = []
        broken: list[InvalidToolCall] = []
        seen: set[str] = set()
        for it in given:
            name = self._known(it["name"] or "")
            call_id = it["id"] if it["id"] and it["id"] not in seen else self._id()
            seen.add(call_id)
            arguments = LooseJson.arguments(it["args"])
            if arguments is None:
                broken.append(invalid_tool_call(name=name, args=str(it["args"]), id=call_id))
            else:
                calls.append(tool_call(name=name, args=TextForm.plain_in(arguments), id=call_id))
        return calls, broken

    def _as_call(self, written: Mapping[str, Any]) -> ToolCall | None:
        """A call that stands in a text, None where it is something else."""
        inner = written.get("function")
        called = inner if isinstance(inner, Mapping) else written
        name = self._known(str(called.get("name") or inner or ""))
        given = next((called[key] for key in self.ARGUMENTS if key in called), None)
        arguments = LooseJson.arguments(given)
        if name not in self.names or arguments is None or not self.CALL_KEYS.issuperset(called):
            return None
        return tool_call(name=name, args=TextForm.plain_in(arguments), id=self._id())

    def _known(self, name: str) -> str:
        """`look_up` of `functions.look_up`, `look_up:0`, and of a stream that says it with each piece."""
        parts = [name.strip(), *re.split(r"[^\w-]+", name)]
        repeated = (it for it in self.names if name and not name.replace(it, ""))
        return next((part for part in parts if part in self.names), next(repeated, name))

    @staticmethod
    def _id() -> str:
        return f"call_{uuid.uuid4().hex}"

    @staticmethod
    def _name(tool: Any) -> str:
        if isinstance(tool, BaseTool):
            return tool.name
        return str(convert_to_openai_tool(tool).get("function", {}).get("name", ""))

    @staticmethod
    def _mapped(content: Any, change: Any) -> Any:
        """A message's content with its texts changed."""
        if isinstance(content, str):
            return change(content)
        return [
            change(it) if isinstance(it, str) else {**it, "text": change(it["text"])} if it.get("text") else it
            for it in content
        ]


@dataclass
class AnswerPieces:
    """One answer in pieces: `feed` gives what may leave of each, `end` the rest."""

    form: AnswerForm
    is_held: bool = False
    usage: UsageMetadata | None = None
    """The provider's last count: most count anew with each piece, and none of them adds up."""
    has_begun: bool = False
    """True once there is something for the caller."""
    _ending: Ending | None = None
    _has_calls: bool = False
    _kept: list[str] = field(default_factory=list)
    """All words, of an answer that is held."""
    _said: list[str] = field(default_factory=list)
    _maybe_call: list[str] = field(default_factory=list)
    _thoughts: Thoughts = field(default_factory=Thoughts)
    _letters: TextPieces = field(default_factory=TextPieces)

    @property
    def has_unopened_thoughts(self) -> bool:
        """True where thoughts ended that were never opened: their words have left, unless they were held."""
        return self._thoughts.has_unopened

    def feed(self, piece: AIMessageChunk) -> AIMessageChunk:
        """What may leave of `piece`."""
        self._count(piece.usage_metadata)
        self._ending = Endings.worse(self._ending, Endings.of(piece.response_metadata))
        self._has_calls |= bool(piece.tool_call_chunks)
        content = AnswerForm._mapped(piece.content, self._text)  # noqa: SLF001 - its own module's
        self.has_begun |= bool(piece.tool_call_chunks) or AnswerForm.is_said(content)
        if piece.usage_metadata is None and content == piece.content:
            return piece
        return piece.model_copy(update={"content": content, "usage_metadata": None})

    def end(self) -> AIMessageChunk:
        """The last piece, with the answer's usage and whether it was cut.

        Raises:
            ModelCallFailed: What was said is no answer: it broke off, was withheld, says nothing.
        """
        self.form.refuse(self._ending)
        if self._ending is None and not self.form.may_be_silent:
            raise ModelCallFailed("upstream_invalid")
        rest = Thoughts.left_out("".join(self._kept)) + self._thoughts.end()
        text = self._passed(self._letters.feed(rest) + self._letters.end())
        maybe_call = "".join(self._maybe_call)
        calls = self.form.calls_in(maybe_call) if maybe_call else []
        text = text if calls else maybe_call + text
        is_cut = self._ending == CUT
        has_calls = bool(calls or self._has_calls)
        if is_cut and (has_calls or not self.form.whole_part("".join(self._said))):
            raise ModelCallFailed("cut")
        if not (self.has_begun or text or calls or self.form.may_be_silent):
            raise ModelCallFailed("said_nothing")
        chunks = [
            tool_call_chunk(name=it["name"], args=orjson.dumps(it["args"]).decode(), id=it["id"], index=at)
            for at, it in enumerate(calls)
        ]
        return AIMessageChunk(
            content=text,
            tool_call_chunks=chunks,
            usage_metadata=self.usage,
            response_metadata={CUT: True} if is_cut else {},
            chunk_position="last",
        )

    def _text(self, text: str) -> str:
        if self.is_held:
            self._kept.append(text)
            return ""
        return self._passed(self._letters.feed(self._thoughts.feed(text)))

    def _passed(self, text: str) -> str:
        """`text` unless it may turn out to be a call: then it waits for the end."""
        begins_like_one = not self._said and self.form.names and AnswerForm.LIKE_A_CALL.match(text)
        if text:
            self._said.append(text)
        if self._maybe_call or begins_like_one:
            self._maybe_call.append(text)
            return ""
        return text

    def _count(self, tokens: UsageMetadata | None) -> None:
        if tokens is not None:
            told: Any = {name: count for name, count in tokens.items() if count}
            self.usage = {**(self.usage or {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}), **told}
