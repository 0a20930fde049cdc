"""What an evaluation will take, before it is begun."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from types import MappingProxyType
from typing import ClassVar, Self

from ..models.call_recorder import Prices
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

    TOKENS_IN: ClassVar = 1500
    """Tokens that a call reads of which nothing is known: a prompt with what tools found. A guess."""

    TOKENS_OUT: ClassVar = 300
    """Tokens that it writes: a short answer, with thoughts. A guess."""

    CALLS: ClassVar = 2.8
    """Of a question that nothing is known of: measured with the embedded model, 2026-11."""

    @classmethod
    def of(
        cls,
        askings: Sequence[Asking],
        known: Sequence[RecordedRun],
        model: str,
        at_once: int,
        prices: Mapping[str, tuple[float, float]] = MappingProxyType({}),
    ) -> Self:
        """The estimate, by the last runs of the same questions, else of other ones, else by what the cases expect.

        `model` names those that answer, parted by commas; `prices` are those of LLM_PRICES.
        """
        runs: dict[str, list[RecordedRun]] = defaultdict(list)
        for run in known:
            runs[run.case].append(run)
        own = [run for run in known if run.model == model]
        calls = sum(cls._calls(asking, runs.get(asking.case.id, ())) for asking in askings)
        costs = [run.cost_usd for run in own if run.cost_usd is not None]
        seconds = fmean(run.seconds for run in own) * len(askings) / at_once if own else None
        usd = fmean(costs) * len(askings) if costs and len(costs) == len(own) else cls._priced(calls, model, prices)
        return cls(len(askings), round(calls), seconds, 0.0 if model in cls.FREE else usd)

    @classmethod
    def _priced(cls, calls: float, model: str, prices: Mapping[str, tuple[float, float]]) -> float | None:
        """By the dearest of the models, where each has a price."""
        known = [prices.get(it) for it in model.split(", ")]
        if None in known:
            return None
        dearest = max(cls.TOKENS_IN * price[0] + cls.TOKENS_OUT * price[1] for price in known if price)
        return calls * dearest / Prices.PER_TOKENS

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
        usd = "unknown (no price in LLM_PRICES)" if self.usd is None else f"{self.usd:.2f} USD"
        return f"{self.questions} questions, about {self.calls} calls of models, time {seconds}, cost {usd}"
