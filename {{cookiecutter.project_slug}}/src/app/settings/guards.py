"""What may come in and go out, and what is written down about it."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import AnyHttpUrl, Field, SecretStr

from ..configuration import Configuration


class GuardSettings(Configuration):
    """What may come in and go out, and what is written down about it."""

    title: ClassVar = "Guards"

    injection: Literal["enforce", "observe", "off"] = "enforce"
    """What becomes of texts that read like instructions to the service: `enforce` refuses messages,
    forgets remembered ones and takes them out of what tools find; `observe` only notes and counts."""

    injection_rules_file: Path | None = None
    """File with more rules, in the form that `src/app/guardrails/injection_rules.txt` explains."""

    injection_judge: bool = False
    """Ask a model about each message and each tool's result too (LLM_JUDGE_MODEL): finds more than
    the rules, and costs a model call each time."""

    injection_classifier_url: AnyHttpUrl | None = None
    """Address of a classifier that is asked as well, as Hugging Face's text-embeddings-inference
    serves one: `http://classifier:8080/predict`. Empty: none."""

    injection_classifier_key: SecretStr | None = None
    """Key that the classifier wants as a Bearer token; empty: none is sent."""

    injection_classifier_label: str = Field(default="INJECTION", min_length=1)
    """The label that the classifier gives to attacks; `MALICIOUS` and `LABEL_1` are usual too."""

    injection_classifier_threshold: float = Field(default=0.9, gt=0, le=1)
    """Score of that label from which on a text is an attack; guess, try it with INJECTION=observe."""

    injection_bedrock_guardrail: str | None = Field(
        default=None, pattern=r"^[a-z0-9]+:(\d+|DRAFT)$"
    )
    """Guardrail of Amazon Bedrock that is asked as well, `id:version`; needs the extra `bedrock` and
    AWS credentials and region by AWS's own variables. Empty: none."""

    injection_detector_seconds: float = Field(default=3, gt=0, le=60)
    """Longest wait for one of them, seconds; then it counts as failed. A guess: a model judges in 1."""

    injection_without_detector: Literal["pass", "refuse"] = "pass"
    """What becomes of a message that the rules let through when one of them fails. What tools find is
    withheld then, whatever this says."""

    audit_content: bool = False
    """Write the question and the answer into the audit trail too, secrets redacted. Off, it says
    who asked which agents and what the guards decided."""

    def rules(self) -> Iterator[str]:
        """What the settings break together, one problem each."""
        if self.injection_classifier_key and not self.injection_classifier_url:
            yield "INJECTION_CLASSIFIER_KEY: set INJECTION_CLASSIFIER_URL too, or leave it empty"
