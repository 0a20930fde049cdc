"""What one question of an evaluation brought: read from the store, kept as one line of JSON."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import orjson
from pydantic import BaseModel, ConfigDict

from ..prompts.language import Language
from ..runtime.state import Verdict


class RecordedRun(BaseModel):
    """One run with its facts, redacted. Judges read it as data; `facts` are their contexts, never `answer`."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    case: str
    """The case's id."""

    variant: int = 0
    """Which of the case's questions: a paraphrase, a filled template, the second of a direction."""

    sample: int = 0
    """Which of the askings of the same question."""

    digest: str = ""
    """Of the case as it was asked."""

    kind: str
    question: str
    """After its checks: personal data are masked as PERSONAL_DATA_IN says."""

    language: Language
    """Of the question, as the service tells it."""

    verdict: Verdict
    agents: list[str]
    """In the order in which the message asked for them, each once."""

    facts: list[Mapping[str, Any]] = []
    """`agent`, `fact` (a mapping) and `source` (the addresses of its agent's sources) for each result of a tool."""

    draft: str = ""
    answer: str
    degraded: list[str] = []
    """Reasons; none when the answer is whole."""

    notices: list[str] = []
    grounding: str = "facts"
    seconds: float = 0.0
    model_calls: int = 0
    tokens: int = 0
    cost_usd: float | None = None
    run_id: str = ""
    thread_id: str = ""
    model: str
    """As LLM_MODEL has it."""

    prompts: dict[str, str] = {}
    """Version by name."""

    @property
    def contexts(self) -> list[str]:
        """The facts as JSON texts, for a judge."""
        return [orjson.dumps(it["fact"], option=orjson.OPT_SORT_KEYS).decode() for it in self.facts]

    @property
    def key(self) -> tuple[str, int, int]:
        """Names it among the runs of an evaluation."""
        return self.case, self.variant, self.sample

    @property
    def line(self) -> bytes:
        """It as one line."""
        return orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_APPEND_NEWLINE)

    @classmethod
    def read(cls, file: Path) -> Iterator[Self]:
        """The runs of a file; a last line that an interruption cut is left out.

        Raises:
            ValidationError: Another line is no recorded run.
        """
        whole, _, _ = file.read_bytes().rpartition(b"\n")
        yield from (cls.model_validate_json(line) for line in whole.splitlines() if line)

    @classmethod
    def write(cls, file: Path, runs: Iterable[Self]) -> None:
        """Write all `runs` into `file`, in place of what it has."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"".join(run.line for run in runs))
