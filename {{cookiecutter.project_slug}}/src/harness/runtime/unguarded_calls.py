"""Refuses what a graph calls past the guards, when it is called."""

from collections.abc import Sequence
from typing import Any, Literal

import structlog
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.documents import Document

from ..errors import PolicyViolation
from ..run_context import RunContext
from .guarded_tools import GUARDED, Call
from .tool_result import ToolResult

log = structlog.get_logger(__name__)


class UnguardedCalls(BaseCallbackHandler):
    """Refuses, inside of a graph, a tool that no policy names and a model that the factory did not make."""

    raise_error = True
    run_inline = True

    def on_tool_start(self, serialized: dict[str, Any], input_str: str, **kwargs: Any) -> None:
        """A tool is about to run."""
        if GUARDED not in (kwargs.get("tags") or ()):
            name = (serialized or {}).get("name", "?")
            self._refuse("tool", name, f"harness.tools({name}, policy=Policy(tools=[{name!r}]))")

    def on_chat_model_start(self, serialized: dict[str, Any], messages: Any, **kwargs: Any) -> None:
        """A model is about to be asked."""
        if GUARDED not in (kwargs.get("tags") or ()):
            name = (serialized or {}).get("name", "?")
            self._refuse("model", name, 'harness.model("agent")')

    def on_llm_start(self, serialized: dict[str, Any], prompts: Any, **kwargs: Any) -> None:
        """A completion model is about to be asked: the factory makes none."""
        self._refuse("model", (serialized or {}).get("name", "?"), 'harness.model("agent")')

    def on_retriever_end(self, documents: Sequence[Document], **kwargs: Any) -> None:
        """What a retriever brought is evidence."""
        run = RunContext.current()
        if run.evidence is not None:
            facts = {"documents": [it.page_content for it in documents]}
            run.evidence.append(ToolResult(facts, Call.sources(documents)))

    @staticmethod
    def _refuse(kind: Literal["tool", "model"], name: str, remedy: str) -> None:
        log.error("unguarded", kind=kind, name=name, remedy=remedy)
        raise PolicyViolation(kind, f"`{name}` is not guarded: use {remedy}")
