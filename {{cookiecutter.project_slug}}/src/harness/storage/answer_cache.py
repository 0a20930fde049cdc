"""Earlier answers of agents, given again when no model answers."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import time
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class CacheKey:
    """The question of an answer. Two questions share an answer when all of this is equal."""

    scope: str
    """Whose answers these are; no caller is ever given one of another scope."""

    language: str
    agent: str
    prompt_version: str
    """Of the agent's prompt: another prompt, another answer."""

    question: str

    OUTER_MARKS: ClassVar = " ¿?¡!.,;:"

    def __post_init__(self) -> None:
        """Let case, white space and outer punctuation make no difference."""
        plain = " ".join(self.question.casefold().split()).strip(self.OUTER_MARKS)
        object.__setattr__(self, "question", plain)


@dataclass(frozen=True, slots=True)
class CachedAnswer:
    """A model's answer, complete and grounded when it was given."""

    text: str
    facts: Sequence[Mapping[str, Any]]
    sources: Sequence[Any]


class AnswerCache:
    """The last good answers, in memory: as many as `max_entries`, each for `ttl_seconds`."""

    def __init__(self, max_entries: int, ttl_seconds: float, clock: Callable[[], float] = time) -> None:
        """Measure age by `clock`, in seconds. With a `ttl_seconds` of 0 nothing is ever found."""
        self._max_entries = max_entries
        self._ttl_seconds = ttl_seconds
        self._clock = clock
        self._answers: OrderedDict[CacheKey, tuple[float, CachedAnswer]] = OrderedDict()

    def put(self, key: CacheKey, answer: CachedAnswer) -> None:
        """Cache `answer` in place of the one before; the least recently used leaves when it is full."""
        self._answers[key] = self._clock(), answer
        self._answers.move_to_end(key)
        if len(self._answers) > self._max_entries:
            self._answers.popitem(last=False)

    def get(self, key: CacheKey) -> tuple[CachedAnswer, float] | None:
        """The answer and its age in seconds; None where there is none young enough."""
        if key not in self._answers:
            return None
        cached_at, answer = self._answers[key]
        age = self._clock() - cached_at
        if age >= self._ttl_seconds:
            del self._answers[key]
            return None
        self._answers.move_to_end(key)
        return answer, age
