"""Several processes count in one folder; that a real service does is shown in `tests/e2e`."""

import subprocess
import sys
from pathlib import Path

import pytest

from harness.telemetry.metrics import Workers

PROJECT = Path(__file__).parents[3]

COUNTING = """
import os
from harness.telemetry.metrics import ANSWERS_DEGRADED, LLM_BREAKER_STATE
ANSWERS_DEGRADED.labels("not_saved").inc()
LLM_BREAKER_STATE.labels("m").set(2)
print(os.getpid())
"""

TELLING = """
from prometheus_client import generate_latest
from harness.telemetry.metrics import ANSWERS_DEGRADED, REGISTRY
from harness.telemetry.metrics import Workers
ANSWERS_DEGRADED.labels("not_saved").inc()
print(generate_latest(Workers.all() or REGISTRY).decode())
"""


def run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=None,  # ours as the system knows it, with what was put there
        cwd=PROJECT / "src",
        capture_output=True,
        check=True,
        text=True,
    )
    return done.stdout


@pytest.mark.checklist("OBS-2")
def test_whichever_process_is_asked_tells_the_sum_of_all() -> None:
    with Workers.counting() as workers:
        gone = int(run(COUNTING))
        told = run(TELLING)
        assert 'answers_degraded_total{reason="not_saved"} 2.0' in told
        assert 'llm_breaker_state{model="m"} 2.0' in told

        workers.mark_dead(gone)

        told = run(TELLING)
        assert 'answers_degraded_total{reason="not_saved"} 3.0' in told
        assert "llm_breaker_state{" not in told
    assert not Path(workers.folder).exists()


def test_a_process_alone_counts_for_itself() -> None:
    assert Workers.all() is None
    assert 'answers_degraded_total{reason="not_saved"} 1.0' in run(TELLING)
