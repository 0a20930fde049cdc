"""What an evaluation will take, before it is begun."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import ClassVar, Self

from ..settings import EMBEDDED
from .recorded import RecordedRun
from .runner import Asking


@dataclass(frozen=True, slots=True)
class Estimate:
    """Calls of models, seconds and US dollars."""

    questions: int
    calls: int
    seconds: float | None
    """None where no run of this model is known."""

    usd: float | None
    """None where it is not known what a question costs."""

    FREE: ClassVar = (EMBEDDED, "disabled")

    CALLS: ClassVar = 2.8
    """Of a question that nothing is known of: measured with the embedded model, 2026-11."""

    @classmethod
    def of(cls, askings: Sequence[Asking], known: Sequence[RecordedRun], model: str, at_once: int) -> Self:
        """The estimate, by the last runs of the same questions, else of other ones, else by what the cases expect."""
        runs: dict[str, list[RecordedRun]] = defaultdict(list)
        for run in known:
            runs[run.case].append(run)
        own = [run for run in known if run.model == model]
        calls = sum(cls._calls(asking, runs.get(asking.case.id, ())) for asking in askings)
        costs = [run.cost_usd for run in own if run.cost_usd is not None]
        seconds = fmean(run.seconds for run in own) * len(askings) / at_once if own else None
        usd = fmean(costs) * len(askings) if costs and len(costs) == len(own) else None
        return cls(len(askings), round(calls), seconds, 0.0 if model in cls.FREE else usd)

    @classmethod
    def _calls(cls, asking: Asking, known: Sequence[RecordedRun]) -> float:
        if known:
            return fmean(run.model_calls for run in known)
        case = asking.case
        if case.verdict == "decline" or case.agents == ():
            return 1  # of the planner
        if case.agents:
            count = len(case.agents) + (len(case.adds) if asking.variant else 0)
            return 1 + 2 * count + (count > 1)  # each agent calls tools and answers, a writer joins
        return cls.CALLS

    def __str__(self) -> str:
        """One line for a person."""
        seconds = "unknown" if self.seconds is None else f"about {max(1, round(self.seconds))} s"
        usd = (
            "unknown (no run of this model yet, or no price in LLM_PRICES)"
            if self.usd is None
            else f"{self.usd:.2f} USD"
        )
        return f"{self.questions} questions, about {self.calls} calls of models, time {seconds}, cost {usd}"
