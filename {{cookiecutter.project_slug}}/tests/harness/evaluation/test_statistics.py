"""Tests of `statistics` and `rows`, against figures that were computed by hand or stand in the literature."""

from collections.abc import Sequence

import pytest

from harness.evaluation.rows import Figure, Row
from harness.evaluation.statistics import Statistics


@pytest.mark.parametrize(
    ("passed", "n", "low", "high"),
    [(20, 20, 0.839, 1.0), (36, 40, 0.769, 0.960), (0, 10, 0.0, 0.278), (0, 0, 0.0, 1.0)],
)
def test_the_interval_of_a_rate_is_wilsons(passed: int, n: int, low: float, high: float) -> None:
    assert Statistics.wilson(passed, n) == pytest.approx((low, high), abs=0.001)


@pytest.mark.parametrize(
    ("better", "worse", "p_value"), [(0, 5, 0.0625), (0, 6, 0.03125), (1, 8, 0.0390625), (0, 0, 1.0), (3, 3, 1.0)]
)
def test_the_paired_test_is_exact(better: int, worse: int, p_value: float) -> None:
    assert Statistics.sign_test(better, worse) == p_value


def test_six_changes_to_one_side_are_needed_so_a_loss_of_10_percent_shows_from_60_cases() -> None:
    assert Statistics.changes_needed() == 6
    assert Statistics.changes_needed() / 0.1 == 60


def test_one_of_k_tries_is_easier_than_all_of_them() -> None:
    assert Statistics.pass_at(5, 4, 1) == pytest.approx(0.8) == Statistics.pass_all(5, 4, 1)
    assert Statistics.pass_at(5, 4, 3) == 1.0
    assert Statistics.pass_all(5, 4, 3) == pytest.approx(0.4)


def test_a_bootstrap_draws_clusters_and_gives_the_same_twice() -> None:
    clusters = [[1.0, 1.0], [0.0], [1.0], [0.0]]

    def mean(some: Sequence[Sequence[float]]) -> float:
        flat = [it for cluster in some for it in cluster]
        return sum(flat) / len(flat)

    low, high = Statistics.bootstrap(clusters, mean)
    assert 0.0 <= low < 0.6 < high <= 1.0
    assert Statistics.bootstrap(clusters, mean) == (low, high)
    with pytest.raises(ValueError, match="no cluster"):
        Statistics.bootstrap([], mean)


def test_what_was_not_measured_is_counted_and_is_no_part_of_the_rate() -> None:
    rows = [
        Row("a", 0, "language", "passed"),
        Row("b", 0, "language", "failed"),
        Row("c", 0, "language", "not measured"),
    ]
    figure = Figure.of(rows)
    assert (figure.n, figure.passed, figure.not_measured, figure.clusters) == (2, 1, 1, 2)


def test_the_samples_of_a_case_are_one_piece_of_evidence() -> None:
    rows = [Row(case, sample, "language", "passed") for case in "ab" for sample in range(10)]
    figure = Figure.of(rows)
    assert (figure.n, figure.clusters) == (20, 2)
    assert figure.interval == Statistics.wilson(2, 2) != Statistics.wilson(20, 20)
