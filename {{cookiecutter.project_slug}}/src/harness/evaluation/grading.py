"""Holds the runs of a case against what must come of it: one row a case and sample."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import isclose
from pathlib import Path
from typing import Any, ClassVar

import orjson

from ..prompts.language import Language, LanguageDetector, Words
from ..runtime.replies import Degraded
from .cases import Case, Question
from .recorded import RecordedRun
from .rows import Row
from .runner import Runs


class Answer:
    """One run, as it is looked at."""

    OUTAGES: ClassVar = frozenset({Degraded.SOURCE, Degraded.OUT_OF_TIME})
    """Reasons that say nothing of the agents, beside those of models (`..._unavailable`)."""

    CHOSEN: ClassVar = frozenset({Degraded.DISABLED})
    """The operator's will."""

    SHOWN_CHARS: ClassVar = 120
    """Of an answer in a reason: one or two lines of a terminal."""

    def __init__(self, run: RecordedRun) -> None:
        self.run = run
        self.agents = frozenset(run.agents)

    @property
    def outage(self) -> str:
        """Why it measures nothing; empty when it does."""
        return next((it for it in self.run.degraded if it.endswith("_unavailable") or it in self.OUTAGES), "")

    def holds(self, text: str) -> bool:
        """True where `text` stands in the answer as whole words; a figure is not a part of another."""
        wanted = re.escape(Words.strip_accents(text).strip())
        before = r"(?<!\w)(?<!\d[.,\s])(?<!\D[-\u2212])" if text[:1].isdigit() else r"(?<!\w)"
        after = r"(?!\w)(?![.,]\d)" + (r"(?!\s\d{3}(?!\d))" if text[-1:].isdigit() else "")
        return re.search(f"{before}{wanted}{after}", " " + Words.strip_accents(self.run.answer)) is not None

    def facts(self, names: Sequence[str] = ()) -> frozenset[str]:
        """What tools found, as texts that can be compared: all of it, or the values under these names."""
        if names:
            return frozenset(f"{name}={self._text(it)}" for name in names for it in self.values(name))
        return frozenset(f"{it['agent']}: {self._text(it['fact'])}" for it in self.run.facts)

    def values(self, name: str) -> list[Any]:
        """The values under `name`, however deep, in their order."""
        return [*self._named(self.run.facts, name)]

    THOUSANDS: ClassVar = re.compile(r"(?<=\d)[., ](?=\d{3}(?!\d))")

    def figures(self, name: str) -> list[float]:
        """The figures under `name`, also those that are texts: `1,250.50`, `1.250,50`."""
        values = self.values(name)
        texts = (
            str(it) if isinstance(it, float) else self.THOUSANDS.sub("", str(it)).replace(",", ".") for it in values
        )
        return [float(it) for it in texts if re.fullmatch(r"-?\d+(?:\.\d+)?", it)]

    @classmethod
    def _named(cls, value: Any, name: str) -> Iterator[Any]:
        if isinstance(value, Mapping):
            for key, item in value.items():
                if key == name:
                    yield item
                else:
                    yield from cls._named(item, name)
        elif isinstance(value, list):
            for item in value:
                yield from cls._named(item, name)

    @staticmethod
    def _text(value: Any) -> str:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()

    @property
    def own_words(self) -> str:
        """The answer without what it quotes."""
        found = self._text(self.run.facts).replace("\\n", "\n").casefold()
        return LanguageDetector.without_quotes(self.run.answer, found)


class Register:
    """How an answer speaks to whoever asked."""

    @staticmethod
    @cache
    def _words() -> Mapping[Language, Any]:
        return tomllib.loads(Path(__file__).with_name("register.toml").read_text(encoding="utf-8"))

    @classmethod
    def is_courteous(cls, text: str, language: Language) -> bool:
        """True for a text with a word of courtesy."""
        return not set(cls._words().get(language, {}).get("courtesy", ())).isdisjoint(Words.tokenize(text))

    @classmethod
    def problems(cls, text: str, language: Language) -> Iterator[str]:
        """Two ways at once, and slang."""
        data, words = cls._words().get(language, {}), set(Words.tokenize(text))
        ways = {way: words & set(its) for way, its in data.get("ways", {}).items()}
        used = [f"{way} ({', '.join(sorted(its))})" for way, its in ways.items() if its]
        if len(used) > 1:
            yield f"it mixes {' and '.join(used)}"
        if slang := words & set(data.get("slang", ())):
            yield f"slang: {', '.join(sorted(slang))}"


@dataclass(frozen=True)
class Grader:
    """Judges without a model."""

    runs: Runs

    def rows(self, cases: Sequence[Case], samples: int) -> list[Row]:
        """A row for each sample of each case."""
        return [self._row(case, sample) for case in cases for sample in range(samples)]

    def _row(self, case: Case, sample: int) -> Row:
        answers: list[Answer | None] = []
        missing, problems = [], []
        for variant, question in enumerate(case.questions):
            run = self.runs.runs.get((case.id, variant, sample))
            answer = Answer(run) if run else None
            if answer is None or answer.outage:
                reason = answer.outage if answer else self.runs.missing.get((case.id, variant, sample), "not asked")
                missing.append(f"{question.text!r}: {reason}")
                answers.append(None)
                continue
            answers.append(answer)
            if question.value not in case.gaps:
                problems += [f"{question.text!r}: {it}" for it in self.problems(case, question, answer, variant)]
        problems += self._compared(case, answers)
        if problems:
            return Row(case.id, sample, case.kind, "failed", "; ".join(problems))
        if missing:
            return Row(case.id, sample, case.kind, "not measured", "; ".join(missing))
        return Row(case.id, sample, case.kind, "passed")

    @classmethod
    def problems(cls, case: Case, question: Question, answer: Answer, variant: int = 0) -> list[str]:
        """What is wrong with one answer by itself."""
        run, problems = answer.run, []
        is_compared = case.kind not in ("functionality", "language") and case.agents != ()
        wants_more = case.facts or case.absent or case.agents is not None
        verdict = case.verdict or ("work" if is_compared or not wants_more else None)
        if verdict and run.verdict != verdict:
            problems.append(f"{run.verdict}, not {verdict}: {run.answer[: Answer.SHOWN_CHARS]!r}")
        agents = None if case.agents is None else frozenset((*case.agents, *(case.adds if variant else ())))
        if agents is not None and answer.agents != agents:
            problems.append(f"agents {cls._listed(answer.agents)}, not {cls._listed(agents)}")
        lacking = [" or ".join(it) for it in question.facts if not any(map(answer.holds, it))]
        problems += [f"{it} is not in {run.answer[: Answer.SHOWN_CHARS]!r}" for it in lacking]
        problems += [f"{it} is in the answer" for it in case.absent if answer.holds(it)]
        quality = [it for it in run.degraded if it not in answer.CHOSEN]
        if case.kind == "functionality" and quality:
            problems.append(f"degraded: {', '.join(quality)}")
        problems += cls._language(case, answer)
        return problems

    @staticmethod
    def _language(case: Case, answer: Answer) -> Iterator[str]:
        run = answer.run
        wanted = case.language or run.language
        if run.language != wanted:
            yield f"the question was taken for {run.language}, not {wanted}"
        text = answer.own_words
        # An owner's data may be in one language alone; who writes a case about language means every word.
        is_strict = case.kind == "language"
        spoken = (
            LanguageDetector(wanted).detect(text, wanted) if is_strict else LanguageDetector.clearly(text) or wanted
        )
        if spoken != wanted:
            yield f"the answer is in {spoken}, not {wanted}: {run.answer[: Answer.SHOWN_CHARS]!r}"
        if is_strict:
            yield from Register.problems(text, wanted)

    @classmethod
    def _compared(cls, case: Case, answers: Sequence[Answer | None]) -> list[str]:
        """What is wrong between the answers."""
        first = answers[0]
        if first is None or case.kind not in ("invariance", "paraphrases", "directional"):
            return []
        problems = []
        for question, answer in list(zip(case.questions, answers, strict=True))[1:]:
            if answer is None:
                continue
            if case.kind == "directional":
                found = [*cls._direction(case, first, answer)]
            else:
                found = [*cls._difference(case, first, answer)]
            problems += [f"{question.text!r}: {it}" for it in found]
        return problems

    @classmethod
    def _difference(cls, case: Case, first: Answer, other: Answer) -> Iterator[str]:
        if other.agents != first.agents:
            yield f"agents {cls._listed(other.agents)}, not {cls._listed(first.agents)} as of the first"
        elif other.run.verdict != first.run.verdict:
            yield f"{other.run.verdict}, not {first.run.verdict} as of the first"
        elif lacking := [name for name in case.same if not first.values(name)]:
            yield f"no fact is called {', '.join(lacking)}"
        elif change := other.facts(case.same) ^ first.facts(case.same):
            yield f"other facts than of the first: {min(change)[: Answer.SHOWN_CHARS]}"

    @classmethod
    def _direction(cls, case: Case, first: Answer, then: Answer) -> Iterator[str]:
        if case.adds and then.agents != first.agents | set(case.adds):
            yield f"agents {cls._listed(then.agents)}, not also {cls._listed(case.adds)}"
        for name in (*case.same, *case.differ):
            before, after = (sorted(map(repr, it.values(name))) for it in (first, then))
            if not before or not after:
                yield f"no fact is called {name}"
            elif (before == after) == (name in case.differ):
                yield f"{name} is {'the same' if name in case.differ else 'another'}: {after[0][: Answer.SHOWN_CHARS]}"
        for name, factor in case.times.items():
            figures = [answer.figures(name) for answer in (first, then)]
            pairs = [*zip(*figures, strict=False)]
            if not pairs or not all(isclose(old * factor, new, rel_tol=cls.ROUNDING) for old, new in pairs):
                yield f"{name} is not {factor:g} times {figures[0]}: {figures[1]}"

    ROUNDING: ClassVar = 0.01
    """Share by which a rounded figure may be beside its multiple."""

    @staticmethod
    def _listed(names: Any) -> str:
        return ", ".join(sorted(names)) or "none"
