"""Whether an evaluation is good enough: must-pass cases, groups served alike, and no loss against the baseline."""

import subprocess  # nosec B404
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import orjson

from ..errors import ConfigurationError
from .cases import Case
from .disparity import Disparity
from .rows import Row
from .statistics import Statistics

Shares = Mapping[str, float]


@dataclass(frozen=True)
class Baseline:
    """What cases came to before, of one model: a file has one for each model that was accepted."""

    FILE: ClassVar = "baseline.json"

    prompts: Mapping[str, str] = field(default_factory=dict)
    """Version by name."""

    cases: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """Digest of the case and share of its samples that passed; only what was measured."""

    commit: str = ""

    @classmethod
    def of(cls, cases: Sequence[Case], rows: Sequence[Row], prompts: Mapping[str, str]) -> Self:
        """What is compared with later ones."""
        outcomes: dict[str, list[bool]] = defaultdict(list)
        for row in rows:
            if row.outcome != "not measured":
                outcomes[row.case].append(row.outcome == "passed")
        digests = {case.id: case.digest for case in cases}
        shares = {case: [digests[case], sum(it) / len(it)] for case, it in sorted(outcomes.items())}
        return cls(dict(sorted(prompts.items())), shares, cls._commit())

    @staticmethod
    def _commit() -> str:
        command = ("git", "describe", "--always", "--dirty", "--tags")
        try:  # a constant of ours
            done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # nosec B603
            return done.stdout.strip()
        except OSError:
            return ""

    @classmethod
    def load(cls, file: Path) -> dict[str, Self]:
        """By model; none where there is no file.

        Raises:
            ConfigurationError: It cannot be read.
        """
        try:
            models = orjson.loads(file.read_bytes()) if file.exists() else {}
            return {model: cls(**fields) for model, fields in models.items()}
        except (ValueError, TypeError, AttributeError):
            raise ConfigurationError([f"{file}: it cannot be read; take it from git, or delete it"]) from None

    def of_cases(self, only: Sequence[str]) -> Self:
        """It with the cases alone whose ids begin so; with all where nothing is named."""
        chosen = {case: it for case, it in self.cases.items() if not only or case.startswith(tuple(only))}
        return replace(self, cases=chosen)

    def save(self, file: Path, model: str, only: Sequence[str] = ()) -> None:
        """Put it in place of that of `model`; with `only`, of those cases alone."""
        models = self.load(file)
        before = models[model].cases if model in models and only else {}
        kept = {case: it for case, it in before.items() if not case.startswith(tuple(only))}
        models[model] = replace(self, cases={**kept, **self.cases})
        written = orjson.dumps(models, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
        file.write_bytes(written)


@dataclass
class Gate:
    """What stands against an evaluation, and what one should know of it."""

    problems: list[str] = field(default_factory=list)
    """Each makes it fail."""

    notes: list[str] = field(default_factory=list)

    @staticmethod
    def is_must(case: Case) -> bool:
        """True for a case that no statistics excuse."""
        return case.kind == "functionality" if case.must is None else case.must

    least_ratio: float = Disparity.LEAST_RATIO
    most_unmeasured: int = 0
    only: Sequence[str] = ()
    """Beginnings of ids: the other cases were not asked, and are not missed."""

    def judge(self, cases: Sequence[Case], rows: Sequence[Row], disparities: Sequence[Disparity]) -> None:
        """Hold against what needs no baseline."""
        must = {case.id for case in cases if self.is_must(case)}
        self._fail(row for row in rows if row.case in must)
        unmeasured = [row for row in rows if row.outcome == "not measured"]
        if len(unmeasured) > self.most_unmeasured:
            named = ", ".join(dict.fromkeys(row.case for row in unmeasured))
            self.problems.append(f"{len(unmeasured)} not measured, {self.most_unmeasured} allowed: {named}")
        for it in disparities:
            if it.not_measured:
                self.problems.append(f"disparity by {it.attribute}: not measured: {it.not_measured}")
            elif it.fails(self.least_ratio):
                self.problems.append(
                    f"disparity by {it.attribute}: {it.measure}: {min(it.groups, key=it.groups.__getitem__)} gets"
                    f" {it.ratio:.3f} of what {max(it.groups, key=it.groups.__getitem__)} gets"
                )

    def _fail(self, rows: Iterable[Row]) -> None:
        failed = dict.fromkeys(row.case for row in rows if row.outcome == "failed")
        self.problems += [f"{case} failed" for case in failed]

    def compare(self, file: Path, model: str, now: Baseline, cases: Sequence[Case], rows: Sequence[Row]) -> None:
        """Hold against the baseline of this model; without one, every failed case counts."""
        baselines = Baseline.load(file)
        before = baselines.get(model)
        flexible = {case.id for case in cases if not self.is_must(case)}
        if before is None:
            other = f"; there is one of {', '.join(baselines)}, which is not compared" if baselines else ""
            self.notes.append(f"no baseline of the model {model}{other}: every failed case counts")
            self._fail(row for row in rows if row.case in flexible)
            return
        before = before.of_cases(self.only)
        self.notes += self._changes(before, now)
        same = [it for it in now.cases if it in before.cases and before.cases[it][0] == now.cases[it][0]]
        better = [it for it in same if now.cases[it][1] > before.cases[it][1]]
        worse = [it for it in same if now.cases[it][1] < before.cases[it][1]]
        p_value = Statistics.sign_test(len(better), len(worse))
        needed = Statistics.changes_needed() / max(1, len(same))
        compared = f"{len(same)} cases compared: {len(better)} better, {len(worse)} worse, p = {p_value:.4f}"
        sees = f"a loss of less than {min(1.0, needed):.0%} of them would not be seen"
        self.notes.append(f"against the baseline ({before.commit or 'no commit'}): {compared}; {sees}")
        self.notes += [f"better: {it}" for it in better] + [f"worse: {it}" for it in worse]
        if len(worse) > len(better) and p_value < Statistics.ALPHA:
            self.problems.append(f"worse than the baseline: {compared}: {', '.join(worse)}")

    @staticmethod
    def _changes(before: Baseline, now: Baseline) -> Iterator[str]:
        """What is another thing than the baseline's."""
        for name in sorted(before.prompts.keys() | now.prompts.keys()):
            old, new = before.prompts.get(name, "none"), now.prompts.get(name, "none")
            if old != new:
                yield f"compared across a changed prompt: {name} {old} -> {new}"
        for name, ids in {
            "new, not compared": now.cases.keys() - before.cases.keys(),
            "not there any more, or not measured": before.cases.keys() - now.cases.keys(),
            "changed, not compared": [
                it for it in now.cases.keys() & before.cases.keys() if now.cases[it][0] != before.cases[it][0]
            ],
        }.items():
            yield from (f"{name}: {it}" for it in sorted(ids))
