"""What may come in and go out, and what is written down about it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import AfterValidator, AnyHttpUrl, Field, SecretStr, TypeAdapter

from ..configuration import Configuration

PersonalKind = Literal["card", "email", "iban", "ip", "national_id", "phone"]
PersonalAct = Literal["pass", "mask", "refuse"]


class PiiPolicy:
    """Reads a setting such as `card:mask,iban:refuse`: what becomes of each kind."""

    NONE: ClassVar = "none"
    FORM: ClassVar = TypeAdapter(dict[PersonalKind, PersonalAct])

    @classmethod
    def read(cls, text: str) -> Mapping[PersonalKind, PersonalAct]:
        """The act of each kind that `text` names; the others pass.

        Raises:
            ValueError: It is written otherwise.
        """
        if text.strip() == cls.NONE:
            return {}
        pairs = [pair.partition(":") for pair in text.split(",")]
        try:
            acts = cls.FORM.validate_python({kind.strip(): act.strip() for kind, _, act in pairs})
        except ValueError:
            acts = {}
        if len(acts) == len(pairs):
            return acts
        kinds, known = ", ".join(get_args(PersonalKind)), ", ".join(get_args(PersonalAct))
        raise ValueError(
            f"write `{cls.NONE}`, or kind:act, each kind once, separated by commas, such as"
            f" card:mask,iban:refuse; kinds are {kinds}; acts are {known}"
        )

    @classmethod
    def checked(cls, text: str) -> str:
        """`text` itself, once it can be read."""
        cls.read(text)
        return text


Acts = Annotated[str, AfterValidator(PiiPolicy.checked)]


class GuardSettings(Configuration):
    """What may come in and go out, and what is written down about it."""

    title: ClassVar = "Guards"

    injection: Literal["enforce", "observe", "off"] = "enforce"
    """What becomes of texts that read like instructions to the service: `enforce` refuses messages,
    forgets remembered ones and takes them out of what tools find; `observe` only notes and counts."""

    injection_rules_file: Path | None = None
    """File with more rules, in the form that `src/harness/guards/injection_rules.txt` explains."""

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

    injection_bedrock_guardrail: str | None = Field(default=None, pattern=r"^[a-z0-9]+:(\d+|DRAFT)$")
    """Guardrail of Amazon Bedrock that is asked as well, `id:version`; needs the extra `bedrock` and
    AWS credentials and region by AWS's own variables. Empty: none."""

    injection_detector_seconds: float = Field(default=3, gt=0, le=60)
    """Longest wait for one of them, seconds; then it counts as failed. A guess: a model judges in 1."""

    injection_without_detector: Literal["pass", "refuse"] = "pass"
    """What becomes of a message that the rules let through when one of them fails. What tools find is
    withheld then, whatever this says."""

    personal_data_in: Acts = "card:mask,iban:mask"
    """What becomes of personal data in a message, as kind:act. Kinds: `card`, `email`, `iban`, `ip`,
    `national_id` (of Spain, Latin America, Portugal, Italy, France, the United Kingdom and the United
    States; others behind a word such as `passport`), `phone`. Acts: `pass`; `mask` (no model and no
    store sees it, a notice says so); `refuse` (422). Kinds left out pass; `none`: all do."""

    personal_data_out: Acts = "card:refuse,email:refuse,iban:refuse,ip:refuse,national_id:refuse,phone:refuse"
    """What becomes of personal data in a model's answer that neither the question nor a tool gave:
    `pass`, `mask`, or `refuse` (the answer is made from the data without the model)."""

    grounding_names: Literal["refuse", "observe", "off"] = "refuse"
    """What becomes of a model's answer with a name that neither question nor sources hold: asked again
    once, then the answer is made from the data without the model (`refuse`); counted only
    (`observe`, where true names are refused too often); or nothing (`off`)."""

    grounding_judge: Literal["off", "fail_open", "fail_closed"] = "off"
    """Ask a model (LLM_JUDGE_MODEL) whether what was found holds an answer up that the rules let through: it reads
    claims in words, and costs a model call for each answer. Where it fails or takes longer than
    INJECTION_DETECTOR_SECONDS, the answer leaves (`fail_open`) or counts as unsupported (`fail_closed`)."""

    audit_content: bool = False
    """Write the question and the answer into the audit trail too, secrets redacted, and with them
    the kinds that PERSONAL_DATA_IN masks or refuses. Off, it says who asked which agents and what
    the guards decided."""

    def rules(self) -> Iterator[str]:
        """What the settings break together, one problem each."""
        if self.injection_classifier_key and not self.injection_classifier_url:
            yield "INJECTION_CLASSIFIER_KEY: set INJECTION_CLASSIFIER_URL too, or leave it empty"
        if self.injection == "off":
            detectors = {
                "INJECTION_JUDGE": self.injection_judge,
                "INJECTION_CLASSIFIER_URL": self.injection_classifier_url,
                "INJECTION_BEDROCK_GUARDRAIL": self.injection_bedrock_guardrail,
            }
            for it, is_set in detectors.items():
                if is_set:
                    yield f"INJECTION=off, so {it} is never asked: set INJECTION=observe, or leave {it} out"
