"""What a model's plan may say: its question back, its tasks and its refusal, held against what was asked."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import structlog

from ..guards.claims import Claims
from ..guards.output import OutputGuard, OutputPolicy
from ..locale.locale import Locale
from ..prompts.language import LANGUAGES, Language, LanguageDetector, Words
from .agent import Agent
from .replies import Degraded
from .state import Plan, Task, Turn

if TYPE_CHECKING:
    from .planner import RulesPlanner

log = structlog.get_logger(__name__)


class PlanCheck:
    """Replaces what a plan states by itself: nothing has been found yet that could hold it up."""

    SENTENCE: Final = re.compile(r"[^.!?\n]*(?:[.!?]+(?=\s|\Z)|\n|\Z)")

    COMMON: Final = frozenset().union(*(it.common_words | it.describing_words for it in map(Locale.load, LANGUAGES)))
    RELATIVE: Final = Locale.inverted(*(it.relative_days for it in map(Locale.load, LANGUAGES)))
    """Folded word -> the days that it tells from today."""
    STEM_CHARS: Final = 6
    """So `returned` meets `returns`; a shorter word by two at most. A guess."""
    DESCRIBED: Final = 2
    """Words of a description that a message shares with it by no accident. A guess."""

    def __init__(self, agents: Sequence[Agent[Any]], rules: "RulesPlanner", outgoing: OutputPolicy) -> None:
        self._agents = agents
        self._rules = rules
        self._outgoing = outgoing
        self._described = [
            self._stems([*it.description.values(), *(text for texts in it.examples.values() for text in texts)])
            for it in agents
        ]

    @classmethod
    def _stems(cls, texts: Sequence[str]) -> frozenset[str]:
        """The beginnings of the words that tell something."""
        words = (word for text in texts for word in Words.tokenize(text) if word not in cls.COMMON)
        return frozenset(word[: cls.STEM_CHARS] for word in words if len(word) >= cls.STEM_CHARS - 2)

    def checked(
        self, plan: Plan, question: str, language: Language, history: Sequence[Turn]
    ) -> tuple[Plan | None, list[str]]:
        """The plan with what may stay of it, None where the rules must plan; and why it is a degraded one."""
        guard = self._guard(question, language, history)
        if plan["verdict"] == "clarify":
            text, degraded = self._question_back(plan["text"], guard, language)
            return Plan(verdict="clarify", tasks=[], text=text), degraded
        texts = [it["question"] for it in plan["tasks"] if it["question"] not in question]
        refusals = (guard.violation(it, is_ours=True) for it in texts)
        if refusal := next((it for it in refusals if it not in (None, OutputGuard.UNGROUNDED)), None):
            log.warning("plan_refused", reason=refusal)
            return None, [Degraded.refused(guard.block(refusal))]
        own = self._rules.plan(question, language, history)["tasks"] if len(plan["tasks"]) > 1 else []
        if not plan["tasks"]:
            return plan, []
        days = self._days(" ".join((question, *(it["question"] for it in history))))
        tasks = [self._task(it, guard, question, own, days) for it in plan["tasks"]]
        first = Task(agent=plan["tasks"][0]["agent"], question=question)
        return {**plan, "tasks": [it for it in tasks if it] or [first]}, []

    def is_doubtful(self, plan: Plan, question: str, language: Language) -> bool:
        """True for a refusal of what an agent's keywords, or several words of its description and examples, are for."""
        if plan["verdict"] != "decline":
            return False
        stems = self._stems([question])
        is_described = any(len(stems & words) >= self.DESCRIBED for words in self._described)
        return is_described or bool(self._rules.plan(question, language, ())["tasks"])

    def _guard(self, question: str, language: Language, history: Sequence[Turn]) -> OutputGuard:
        said = [text for agent in self._agents for text in agent.description.values()]
        words = [text for turn in history for text in (turn["question"], turn["answer"])]
        return OutputGuard(self._outgoing, question, words, said=said, language=language)

    def _question_back(self, text: str, guard: OutputGuard, language: Language) -> tuple[str, list[str]]:
        """The questions of `text`, in the caller's language; where it holds a claim or none, our own question."""
        ours = self._rules.offer(language)
        if text in ("", ours):  # it tells what agents are for, and repeats no prompt
            return ours, []
        sentences = [it.strip() for it in self.SENTENCE.findall(text) if it.strip()]
        asked = " ".join(it for it in sentences if Claims.asks(it))
        refusal = guard.violation(text) or (None if asked else OutputGuard.UNGROUNDED)
        if refusal == OutputGuard.UNGROUNDED and asked and asked != text:
            refusal = guard.violation(asked)  # what is claimed before it is left out
        if refusal is None and LanguageDetector(language).detect(asked, language) != language:
            refusal = OutputGuard.LANGUAGE
        if refusal is None:
            return asked, []
        log.warning("plan_refused", reason=refusal)
        return ours, [Degraded.refused(guard.block(refusal))]

    @classmethod
    def _days(cls, text: str) -> frozenset[str]:
        """The days that `text` tells from today, whatever its language."""
        return frozenset(key for word in Words.tokenize(text) for key in cls.RELATIVE.get(word, ()))

    def _task(
        self, task: Task, guard: OutputGuard, question: str, own: Sequence[Task], days: frozenset[str]
    ) -> Task | None:
        """`task`; where it has a figure, a name or a day of none of `days` that nobody said, with the user's own words.

        Of several tasks those of the rules' `own` for its agent; None for one that shares no word with the message.
        """
        foreign = guard.foreign(task["question"]) if task["question"] not in question else []
        others = self._days(task["question"]) - (days or {"today"})
        if not foreign and not others:
            return task
        log.warning("task_rewritten", agent=task["agent"], foreign=len(foreign) + len(others))
        if words := [it["question"] for it in own if it["agent"] == task["agent"]]:
            return Task(agent=task["agent"], question=words[0])
        is_made_up = self._stems([question]).isdisjoint(self._stems([task["question"]]))
        return None if is_made_up else Task(agent=task["agent"], question=question)
