"""The words of an answer while they are written: sentence by sentence, each one checked before it leaves."""

from collections.abc import Callable, Collection, Iterable
from typing import ClassVar

from langchain_core.messages import AIMessageChunk
from langchain_core.runnables import RunnableConfig

from ..guards.output import OutputGuard, SentenceBuffer
from ..models.answer_form import CUT
from ..models.endings import Endings
from ..models.thoughts import Thoughts
from .replies import Event


class AnswerStream:
    """Sends what the last writer of a run writes. The model layer feeds it, call by call.

    Nobody knows beforehand which call is the last one: when another begins, or a text turns out to
    lead to tools, what was sent is withdrawn and the words of the next call begin anew.
    """

    REVISED: ClassVar = "revised"
    """Why something was withdrawn: what came after it is the answer."""

    def __init__(self) -> None:
        self.emit: Callable[[Event], None] = lambda _: None
        """Sends an event; set when the run begins."""
        self.guard: Callable[[], OutputGuard | None] = lambda: None
        """Makes the guard of a text over what is known when it begins; None: it cannot be the answer,
        such as before anything was found."""
        self.has_begun = False
        """True from the first event on."""
        self.writers: Collection[str] = ()
        """Nodes of a graph whose words are the answer; empty: those of every node."""
        self._buffer: SentenceBuffer | None = None
        self._sent = ""
        self._has_tools = True
        self._is_cut = False
        self.refusal: str | None = None
        """Why a sentence of the newest call may not leave."""

    def hears(self, config: RunnableConfig | None) -> bool:
        """Whether the words of a call with this configuration may be the answer."""
        return not self.writers or ((config or {}).get("metadata") or {}).get("langgraph_node") in self.writers

    def begin(self, *, has_tools: bool = True) -> None:
        """A call begins; one that has no tools to call says its words whatever else it tells."""
        self._has_tools = has_tools
        self.withdraw(self.REVISED)
        self.refusal = None
        guard = self.guard()
        self._buffer = SentenceBuffer(guard) if guard else None

    def feed(self, piece: AIMessageChunk) -> None:
        """A piece of the call's answer."""
        if self._buffer is None:
            return
        if piece.tool_call_chunks and self._has_tools:
            self._buffer = None
            self.withdraw(self.REVISED)
            return
        text = str(piece.text)
        if Thoughts.CLOSED in text:  # all before were thoughts
            self.begin(has_tools=self._has_tools)
            text = text.rpartition(Thoughts.CLOSED)[2]
        self._is_cut = bool(piece.response_metadata.get(CUT))
        if self._buffer is not None:
            self._send(self._buffer.feed(text))

    def end(self) -> None:
        """The call's answer is whole."""
        if self._buffer is not None:
            self._send(self._buffer.rest(Endings.sentences if self._is_cut else str))

    @property
    def has_sent(self) -> bool:
        """True while words are out that were not taken back."""
        return bool(self._sent)

    def withdraw(self, because: str) -> None:
        """Take back what was sent, if anything was."""
        if self._sent:
            self.emit(Event(event="withdrawn", data={"because": because}))
        self._sent = ""

    def finish(self, answer: str, because: str = REVISED) -> None:
        """The answer as it leaves: sent, unless just this was sent already."""
        if self._sent.strip() == answer.strip():
            return
        self.withdraw(because)
        self.emit(Event(event="token", data={"text": answer}))
        self._sent = answer

    def _send(self, sentences: Iterable[str]) -> None:
        for sentence in sentences:
            self._sent += sentence
            self.emit(Event(event="token", data={"text": sentence}))
        if self._buffer is not None:
            self.refusal = self._buffer.refusal
