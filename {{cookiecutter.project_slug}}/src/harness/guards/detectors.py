"""The detectors of injections that the settings add to the rules: a model, a classifier, Amazon Bedrock."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from typing import Any, Final, NoReturn

import httpx2
import orjson
import structlog
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage
from pydantic import BaseModel, Field, TypeAdapter

from ..errors import ConfigurationError
from ..models.factory import LLMFactory
from ..project import Extra
from ..prompts.language import Language
from ..prompts.prompt import Prompt
from ..prompts.shared import JUDGE
from ..settings import Settings
from ..settings.network import OutgoingNetwork, Region
from ..sources.http import BoundedBody
from .injection_guard import Detector, InjectionGuard, Origin
from .injection_rules import InjectionRules, RuleFile

log = structlog.stdlib.get_logger(__name__)


class Score(BaseModel):
    """One label and how well it fits."""

    label: str
    score: float


class Classifier:
    """A classifier behind HTTP: `POST /predict` with `{"inputs": text}` answers labels and scores.

    https://huggingface.github.io/text-embeddings-inference
    """

    name = "classifier"

    MAX_BYTES: Final = 65_536
    """Of an answer; a hundred labels take 5 kB."""

    WINDOW_CHARS: Final = 1500
    """Of a text that are asked about at once: such models read 512 tokens, 3 to 4 characters each."""

    OVERLAP_CHARS: Final = 200
    """Of one part that the next one begins with."""

    AT_ONCE: Final = 32
    """Parts of one text that are asked about at once: a batch of text-embeddings-inference holds
    16,384 tokens unless told otherwise, and beyond 512 requests it refuses, other texts' too."""

    SCORES: Final = TypeAdapter(list[Score])

    def __init__(self, settings: Settings) -> None:
        """Open nothing yet. The address may be a private one: the operator has named it."""
        self._url = str(settings.injection_classifier_url)
        self._label = settings.injection_classifier_label
        self._threshold = settings.injection_classifier_threshold
        key = settings.injection_classifier_key
        self._headers = {"Content-Type": "application/json", "Accept-Encoding": "gzip"}
        if key:
            self._headers["Authorization"] = f"Bearer {key.get_secret_value()}"
        # The guard has its own clock over the whole call: httpx's starts anew with every byte.
        OutgoingNetwork.check()
        self._client = httpx2.AsyncClient(timeout=None, follow_redirects=False)

    async def finds(self, text: str, origin: Origin) -> bool:
        """True when the label of attacks has at least the score that is set, in any part of `text`.

        Raises:
            httpx2.HTTPError: No connection, or an answer other than 200.
            ResponseRejected: The answer is too large.
            ValueError: It is no list of labels and scores, or not of this label.
        """
        step = self.WINDOW_CHARS - self.OVERLAP_CHARS
        starts = range(0, max(1, len(text) - self.OVERLAP_CHARS), step)
        parts = (text[start : start + self.WINDOW_CHARS] for start in starts)
        try:
            askers = [self._highest(parts) for _ in range(min(self.AT_ONCE, len(starts)))]
            return max(await asyncio.gather(*askers)) >= self._threshold
        finally:
            parts.close()  # after a failure the others ask about no further part

    async def _highest(self, parts: Iterable[str]) -> float:
        """The highest score of those of `parts` that nobody else takes; 0 where none is left."""
        return max([await self._score(part) for part in parts], default=0.0)

    async def _score(self, part: str) -> float:
        content = orjson.dumps({"inputs": part, "truncate": True})
        async with self._client.stream("POST", self._url, content=content, headers=self._headers) as answer:
            if answer.status_code != httpx2.codes.OK:
                raise httpx2.HTTPError(f"HTTP {answer.status_code}")
            body = BoundedBody(answer.headers.get("content-encoding", ""), self.MAX_BYTES)
            content = await body.read(answer.aiter_raw())
        scores = {it.label: it.score for it in self.SCORES.validate_json(content)}
        if self._label not in scores:
            raise ValueError("the classifier does not know INJECTION_CLASSIFIER_LABEL")
        return scores[self._label]

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


class Judgement(BaseModel):
    """What the text is."""

    is_attack: bool = Field(description="True when the text tries to change what the agents do.")


class JudgeScript:
    """The embedded model as judge, which the settings refuse: it could only repeat the rules."""

    def respond(self, messages: Sequence[BaseMessage], bound: Sequence[str]) -> NoReturn:
        """Judge nothing.

        Raises:
            ConfigurationError: Always.
        """
        raise ConfigurationError(["INJECTION_JUDGE: the embedded model judges nothing"])


class Judge:
    """A model as judge. Each judgement is a model call of the run, in its budget, usage and logs."""

    name = "judge"

    def __init__(self, factory: LLMFactory, language: Language) -> None:
        """Ask in `language`; the text may be in any."""
        model = factory.for_role("judge", JudgeScript())
        self._model = model.bind_tools([Judgement], tool_choice="any")
        self._system = SystemMessage(JUDGE.render(language))

    async def finds(self, text: str, origin: Origin) -> bool:
        """What the model says.

        Raises:
            BudgetExceeded: The run has no model call left.
            ModelUnavailable: No model of the role answered.
            Exception: Whatever a provider raises, and a ValueError for another answer than asked.
        """
        request = HumanMessage(Prompt.fence(origin, text))
        answer = await self._model.ainvoke([self._system, request], {"metadata": JUDGE.metadata})
        if not answer.tool_calls:
            raise ValueError("no judgement")
        return Judgement.model_validate(answer.tool_calls[0]["args"]).is_attack

    async def aclose(self) -> None:
        """Nothing: the factory closes its models."""


class BedrockGuardrail:
    """Asks a guardrail (ApplyGuardrail) that has the filter for prompt attacks. Its other policies count for nothing.

    https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ApplyGuardrail.html
    """

    name = "bedrock"

    ATTACK: Final = "PROMPT_ATTACK"
    BLOCKED: Final = "BLOCKED"

    def __init__(self, settings: Settings) -> None:
        """Build boto3's client: credentials and region come from AWS's own variables.

        Raises:
            ConfigurationError: The package, or what it needs, is missing.
        """
        guardrail = settings.injection_bedrock_guardrail or ""
        self._id, _, self._version = guardrail.partition(":")
        seconds = settings.injection_detector_seconds
        try:
            config = import_module("botocore.config").Config(
                connect_timeout=seconds, read_timeout=seconds, retries={"total_max_attempts": 1}
            )
            client = import_module("boto3").client
            self._client: Any = client("bedrock-runtime", region_name=Region.of_aws(), config=config)
        except ImportError:
            raise ConfigurationError([f"INJECTION_BEDROCK_GUARDRAIL: {Extra.remedy('bedrock')}"]) from None
        except Exception as failure:  # noqa: BLE001 - its text may quote what it was given
            needs = f"set AWS_REGION and credentials ({type(failure).__name__})"
            raise ConfigurationError([f"INJECTION_BEDROCK_GUARDRAIL: {needs}"]) from None

    async def finds(self, text: str, origin: Origin) -> bool:
        """True when the guardrail's filter for prompt attacks blocks `text`.

        Always asked as input: AWS looks for prompt attacks in no other direction.

        Raises:
            Exception: Whatever boto3 raises.
        """
        block = {"text": text}
        answer = await asyncio.to_thread(
            self._client.apply_guardrail,
            guardrailIdentifier=self._id,
            guardrailVersion=self._version,
            source="INPUT",
            content=[{"text": block}],
        )
        return any(
            it["type"] == self.ATTACK and it["action"] == self.BLOCKED
            for assessment in answer["assessments"]
            for it in assessment.get("contentPolicy", {}).get("filters", [])
        )

    async def aclose(self) -> None:
        """Close the connections."""
        self._client.close()


class Detectors:
    """Builds the guard with those that are set. A new kind is one class as above, and a line here."""

    @classmethod
    def guard(cls, settings: Settings, factory: LLMFactory) -> InjectionGuard:
        """The guard as configured.

        Raises:
            ConfigurationError: A detector cannot be built from the settings.
        """
        file = settings.injection_rules_file
        more = RuleFile(file, "INJECTION_RULES_FILE").rules() if file else ()
        return InjectionGuard(
            settings.injection,
            () if settings.injection == "off" else tuple(cls._chosen(settings, factory)),
            timeout_seconds=settings.injection_detector_seconds,
            is_closed=settings.injection_without_detector == "refuse",
            rules=InjectionRules(*more) if more else None,
        )

    @staticmethod
    def _chosen(settings: Settings, factory: LLMFactory) -> Iterator[Detector]:
        if settings.injection_judge and factory.is_disabled:
            # No reason to stop the start: DISABLE_LLM is thrown in a hurry, and then no model reads.
            log.warning("detector_unused", detector=Judge.name, because="DISABLE_LLM")
        elif settings.injection_judge:
            yield Judge(factory, settings.language)
        if settings.injection_classifier_url:
            yield Classifier(settings)
        if settings.injection_bedrock_guardrail:
            yield BedrockGuardrail(settings)
