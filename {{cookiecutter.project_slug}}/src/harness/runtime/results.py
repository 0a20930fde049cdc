"""The results of a run's tasks: how one is made, and what they say together."""

from collections.abc import Sequence
from typing import Any, Final, Literal

from ..guards.output import OutputGuard, OutputPolicy
from ..prompts.language import Language
from ..prompts.messages import LocalizedMessage
from .agent import ToolResult
from .state import State, Task, TaskResult


class TaskResults:
    """The results of a run, in the order in which the message asked for them."""

    SEPARATOR: Final = "\n\n"

    def __init__(self, state: State) -> None:
        order = [(task["agent"], task["question"]) for task in state["plan"]["tasks"]]
        self.all = sorted(state["outcomes"], key=lambda it: order.index((it["agent"], it["question"])))

    @property
    def text(self) -> str:
        """The agents' own answers, one paragraph each."""
        return self.SEPARATOR.join(result["text"] for result in self.all)

    @property
    def has_pending_call(self) -> bool:
        """True while a call waits for a person's approval."""
        return any("call" in result for result in self.all)

    def guard(self, state: State, outgoing: OutputPolicy) -> OutputGuard:
        """The guard of an answer that may state what these results hold."""
        questions = [result["text"] for result in self.all if result["status"] != "answered"]
        facts = [result["facts"] for result in self.all]
        sources = [source for result in self.all for source in result["sources"]]
        return OutputGuard(
            outgoing,
            state["question"],
            [questions, facts],
            [source["url"] for source in sources],
            said=[*(it["text"] for it in self.all), *(source["title"] for source in sources)],
            language=state["language"],
        )

    @staticmethod
    def answered(task: Task, text: str, results: Sequence[ToolResult]) -> TaskResult:
        """The result of a task with an answer, and the tool results that hold it up."""
        return TaskResult(
            agent=task["agent"],
            question=task["question"],
            text=text,
            facts=[dict(result.facts) for result in results],
            sources=[source for result in results for source in result.sources],
            status="answered",
        )

    @classmethod
    def unanswered(
        cls, task: Task, text: str, status: Literal["asked", "missing", "waiting", "rejected"]
    ) -> TaskResult:
        """The result of a task without an answer; `text` says why or asks back."""
        return {**cls.answered(task, text, ()), "status": status}

    @classmethod
    def missing(cls, task: Task, message: LocalizedMessage, language: Language, **given: Any) -> TaskResult:
        """The result of a task that failed, with `message` about it."""
        text = message.format(language, **({"question": task["question"]} | given))
        return cls.unanswered(task, text, "missing")
