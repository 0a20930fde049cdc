"""Planning by rules: which agents a message is for, read off their keywords."""

import re
from collections.abc import Sequence
from typing import Any, Final

from ..prompts.language import Language, LanguageDetector, Words
from ..prompts.messages import LocalizedMessage, Messages
from .agent import Agent
from .state import Plan, Task, Turn


class Keywords:
    """The words by which one agent is found, all languages together."""

    ENDING: Final = re.compile(r"(?<=\w{3})(?:e?s|e)$")
    """The plural of English and Spanish; three letters at least stay."""

    STEM_CHARS: Final = 6
    """So `currencies` meets `currency`. Shorter, `temperature` would meet `temple`."""

    def __init__(self, agent: Agent[Any]) -> None:
        self.agent = agent.name
        words = (word for words in agent.keywords.values() for word in words)
        self._stems = {tuple(self.stems(word)) for word in words}

    def score(self, text: str) -> int:
        """How many keywords `text` holds."""
        stems = self.stems(text)
        return sum(self._holds(stems, phrase) for phrase in self._stems)

    @staticmethod
    def _holds(stems: Sequence[str], phrase: tuple[str, ...]) -> bool:
        size = len(phrase)
        return any(tuple(stems[i : i + size]) == phrase for i in range(len(stems) - size + 1))

    @staticmethod
    def stems(text: str) -> list[str]:
        """Folded words without plural endings and cut short: `dólares` meets `dólar`."""
        return [Keywords.ENDING.sub("", word)[: Keywords.STEM_CHARS] for word in Words.tokenize(text)]


class RulesPlanner:
    """Splits a message into clauses and gives each to the agent whose keywords it holds."""

    CUT: Final = re.compile(r"[?!;]+|[.,:](?=\s|$)|\b(?:and|also|plus|then|y|e|además|también|luego)\b", re.IGNORECASE)
    """Where one task may end and the next begin; `3.5` and `1,000` stay whole."""

    FOLLOW_UP: Final = re.compile(r"^\W*(?:and|what about|how about|y|qué tal|que tal)\b", re.IGNORECASE)
    VAGUE_WORDS: Final = 1
    """A message of at most so many telling words, such as "Paris?", is asked back about."""

    def __init__(self, agents: Sequence[Agent[Any]], max_tasks: int) -> None:
        self._descriptions = [agent.description for agent in agents]
        self._keywords = [Keywords(agent) for agent in agents]
        self._max_tasks = max_tasks

    def plan(self, question: str, language: Language, history: Sequence[Turn]) -> Plan:
        """The plan for `question`; a follow-up goes to the agents of the turn before."""
        tasks = self._tasks(question)
        if not tasks and history:
            tasks = self._follow_up(question, history[-1])
        if len(tasks) > self._max_tasks:
            text = Messages.TOO_MANY.format(language, given=len(tasks), max=self._max_tasks)
            return Plan(verdict="clarify", tasks=[], text=text)
        if tasks:
            return Plan(verdict="work", tasks=tasks, text="")
        if self._is_vague(question):
            return Plan(verdict="clarify", tasks=[], text=self.offer(language))
        return Plan(verdict="decline", tasks=[], text=self.refusal(language))

    def offer(self, language: Language) -> str:
        """The question back, with what the agents can do."""
        return self._with_agents(Messages.CLARIFY, language)

    def refusal(self, language: Language) -> str:
        """The refusal, with what the agents can do instead."""
        return self._with_agents(Messages.DECLINE, language)

    def warning(self, language: Language) -> str:
        """The answer to a message that the guard refuses, with what the agents can do."""
        return self._with_agents(Messages.REFUSED, language)

    def _with_agents(self, message: LocalizedMessage, language: Language) -> str:
        return message.format(language, agents=Messages.bullets(self._descriptions, language))

    def _tasks(self, question: str) -> list[Task]:
        tasks: list[Task] = []
        start = 0
        for begin, end in self._clauses(question):
            agent = self._best(question[begin:end])
            if agent and not (tasks and tasks[-1]["agent"] == agent):
                if tasks:  # a lead-in such as "Good morning, …" stays with the first task
                    start = begin
                tasks.append(Task(agent=agent, question=""))
            if tasks:  # a clause of no agent, such as "and Lima", belongs to the task before it
                tasks[-1]["question"] = question[start:end].strip()
        return tasks

    def _clauses(self, question: str) -> list[tuple[int, int]]:
        """Spans between the cuts; a mark that ends a clause stays with it."""
        spans, begin = [], 0
        for cut in self.CUT.finditer(question):
            is_mark = not cut.group()[0].isalpha()
            spans.append((begin, cut.end() if is_mark else cut.start()))
            begin = cut.end()
        spans.append((begin, len(question)))
        return [(begin, end) for begin, end in spans if question[begin:end].strip()]

    def _best(self, clause: str) -> str:
        scores = {keywords.agent: keywords.score(clause) for keywords in self._keywords}
        best = max(scores, key=lambda agent: scores[agent], default="")
        return best if best and scores[best] else ""

    def _follow_up(self, question: str, last: Turn) -> list[Task]:
        if last["asked"]:  # the detail that was asked for completes the question before
            return [Task(agent=name, question=f"{last['question']} {question}") for name in last["agents"]]
        if self.FOLLOW_UP.match(question):
            return [Task(agent=name, question=question) for name in last["agents"]]
        return []

    @classmethod
    def _is_vague(cls, question: str) -> bool:
        common = frozenset().union(*LanguageDetector.WORDS.values())
        names = re.sub(r"\b([A-ZÁÉÍÓÚÑ]\w+)(?: [A-ZÁÉÍÓÚÑ]\w+)+", r"\1", question)
        return len([word for word in Words.tokenize(names) if word not in common]) <= cls.VAGUE_WORDS
