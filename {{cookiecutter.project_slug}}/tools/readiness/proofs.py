"""Evidence as people read it: one line a test, in words, its cases counted."""

from collections.abc import Sequence
from dataclasses import dataclass

from .evidence import Evidence

STATUSES = ("failed", "skipped", "hollow", "passed")
"""What a proof can be, in the order of attention."""


@dataclass(frozen=True, slots=True)
class Proof:
    """One test function with all its cases, or one measurement."""

    sentence: str
    """`test_a_run_over_budget_stops` -> `a run over budget stops`."""

    place: str
    """The file and the function; empty for a measurement."""

    cases: Sequence[Evidence]

    @classmethod
    def group(cls, evidence: Sequence[Evidence]) -> "Sequence[Proof]":
        """The evidence of one box, the cases of a test together; what went wrong comes first."""
        cases: dict[str, list[Evidence]] = {}
        for it in evidence:
            cases.setdefault(it.name.partition("[")[0], []).append(it)
        proofs = (cls._of(name, found) for name, found in cases.items())
        return sorted(proofs, key=lambda proof: STATUSES.index(proof.status))

    @classmethod
    def _of(cls, name: str, cases: Sequence[Evidence]) -> "Proof":
        if cases[0].kind == "measurement":
            return cls(sentence=name, place="", cases=cases)
        function = name.rpartition("::")[2]
        return cls(function.removeprefix("test_").replace("_", " "), name, cases)

    @property
    def status(self) -> str:
        """`passed`, `failed` or `skipped`: the worst of its cases; `hollow`: none asserted."""
        outcomes = {it.outcome for it in self.cases}
        if "failed" in outcomes:
            return "failed"
        if self.cases[0].kind == "test" and "passed" in outcomes:
            return "passed" if any(it.proves for it in self.cases) else "hollow"
        return "passed" if outcomes == {"passed"} else "skipped"

    @property
    def note(self) -> str:
        """What was counted, or why it proves nothing."""
        reasons = list(dict.fromkeys(it.reason for it in self.cases if it.reason))
        counted = sum(it.assertions for it in self.cases)
        parts = []
        if len(self.cases) > 1:
            parts.append(f"{len(self.cases)} cases")
        if self.status == "passed" and counted:
            parts.append(f"{counted} assertion{'s' if counted > 1 else ''}")
        parts.extend(reasons)
        return ", ".join(parts)
