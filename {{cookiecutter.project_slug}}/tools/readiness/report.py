"""The report: every box with its state, the reason and the evidence. The JSON file is this model."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from .checklist import Box, Checklist
from .evidence import Evidence, Run
from .origin import Origin


class State(StrEnum):
    """What is known about a box; the order is the order of attention."""

    FAILED = "failed"
    UNPROVEN = "unproven"
    MISSING = "missing"
    PROVEN = "proven"
    NOT_CHOSEN = "not chosen"


SUMMARY_ORDER = (State.PROVEN, State.FAILED, State.UNPROVEN, State.MISSING, State.NOT_CHOSEN)


class BoxReport(BaseModel):
    """One box."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    id: str
    title: str
    proof: str
    """What a test must show for this box."""
    state: State
    reason: str
    """Why it is not proven, on one line; empty when it is."""
    evidence: tuple[Evidence, ...]
    """Every test and measurement that stands for it, by name."""


class GroupReport(BaseModel):
    """The boxes under one heading."""

    model_config = ConfigDict(frozen=True)

    title: str
    boxes: tuple[BoxReport, ...]

    def count(self, state: State) -> int:
        """How many of its boxes are in this state."""
        return sum(box.state is state for box in self.boxes)


class Report(BaseModel):
    """The readiness of one commit, as one run of the tests showed it."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    format: int = 1
    """Raised when a field changes its meaning or goes; new fields do not raise it."""
    project: Origin
    is_whole: bool
    """False when the run left tests out: a missing or unproven box may be proven by the whole run."""
    counts: dict[State, int]
    """State -> number of boxes; together all boxes of the checklist."""
    groups: tuple[GroupReport, ...]
    other_failures: tuple[str, ...]
    """Tests with no mark that failed, and files that could not be collected."""

    @classmethod
    def of(
        cls, checklist: Checklist, run: Run, answers: Mapping[str, object], project: Origin
    ) -> "Report":
        """Judges every box by the evidence of one run."""
        groups = tuple(
            GroupReport(
                title=group.title,
                boxes=tuple(Judge(box, run, answers).verdict() for box in group.boxes),
            )
            for group in checklist.groups
        )
        return cls(
            project=project,
            is_whole=run.is_whole,
            counts={state: sum(group.count(state) for group in groups) for state in SUMMARY_ORDER},
            groups=groups,
            other_failures=run.other_failures,
        )

    @property
    def boxes(self) -> Sequence[BoxReport]:
        """All boxes in the checklist's order."""
        return [box for group in self.groups for box in group.boxes]

    @property
    def proven(self) -> int:
        """How many boxes are proven."""
        return self.counts[State.PROVEN]

    @property
    def chosen(self) -> int:
        """How many boxes count: all but those of features left out."""
        return len(self.boxes) - self.counts[State.NOT_CHOSEN]

    @property
    def has_failed(self) -> bool:
        """True when a box failed, or something failed that may stand for a box."""
        return bool(self.counts[State.FAILED] or self.other_failures)

    @property
    def summary(self) -> str:
        """`21 proven, 0 failed, 2 unproven, 41 missing, 0 not chosen of 64`."""
        counts = ", ".join(f"{self.counts[state]} {state}" for state in SUMMARY_ORDER)
        return f"{counts} of {len(self.boxes)}"


class Judge:
    """Decides one box."""

    def __init__(self, box: Box, run: Run, answers: Mapping[str, object]) -> None:
        self._box = box
        self._run = run
        self._answers = answers
        self._evidence = tuple(it for it in run.evidence if box.id in it.boxes)

    def verdict(self) -> BoxReport:
        """The box with its state."""
        state, reason = self._decide()
        return BoxReport(
            id=self._box.id,
            title=self._box.title,
            proof=self._box.proof,
            state=state,
            reason=reason,
            evidence=self._evidence,
        )

    def _decide(self) -> tuple[State, str]:
        failed = [it for it in self._evidence if it.outcome == "failed"]
        if failed:
            return State.FAILED, self._first_reason(failed)
        if not any(it.kind == "test" for it in self._evidence):
            return self._without_tests()
        if not any(it.proves for it in self._evidence):
            return State.UNPROVEN, self._first_reason(self._evidence)
        if self._box.measured and not self._is_measured:
            measured = [it for it in self._evidence if it.kind == "measurement"]
            return State.UNPROVEN, self._first_reason(measured) or "Not measured in this run."
        return State.PROVEN, ""

    def _without_tests(self) -> tuple[State, str]:
        feature = self._box.feature
        if feature and feature.is_left_out(self._answers):
            answer = str(self._answers[feature.question]).lower()
            return State.NOT_CHOSEN, f"Left out at generation: {feature.question} is {answer}."
        if not self._run.is_whole:
            return State.MISSING, "No test of this partial run carries its id."
        return State.MISSING, "No test carries its id."

    @property
    def _is_measured(self) -> bool:
        return any(it.kind == "measurement" and it.outcome == "passed" for it in self._evidence)

    @staticmethod
    def _first_reason(evidence: Sequence[Evidence]) -> str:
        reasons = list(dict.fromkeys(it.reason for it in evidence if it.reason))
        more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
        return f"{reasons[0]}{more}" if reasons else ""
