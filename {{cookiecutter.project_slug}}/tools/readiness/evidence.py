"""What a run of the tests brought to light, as the plugin hands it to the report."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Outcome = Literal["passed", "failed", "skipped"]


class Evidence(BaseModel):
    """What one test, or one figure that the run measured, says about its boxes."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    boxes: tuple[str, ...]
    """Ids of the boxes that it stands for."""

    name: str
    """pytest's node id, or what was measured."""

    kind: Literal["test", "measurement"] = "test"

    outcome: Outcome
    """`failed` holds errors in set-up and tear-down too; `skipped` holds everything that did not
    run to its end: skips, expected failures, tests that the command left out."""

    assertions: int = 0
    """Assertions that passed while the test itself ran, not its fixtures."""

    reason: str = ""
    """Why it failed or was skipped, on one line; what a measurement found."""

    @property
    def proves(self) -> bool:
        """True for a test that ran, passed and asserted something."""
        return self.kind == "test" and self.outcome == "passed" and self.assertions > 0


class Run(BaseModel):
    """One run of the tests."""

    model_config = ConfigDict(frozen=True)

    evidence: tuple[Evidence, ...] = ()
    is_whole: bool
    """True when every test that there is was asked to run."""

    other_failures: tuple[str, ...] = ()
    """What failed without telling for which box: tests with no mark, files that do not import."""
