"""A model as the second tier of grounding: it reads the claims in words that no rule reads."""

import asyncio
from collections.abc import Iterable
from typing import Any, NoReturn, Self

import orjson
import structlog
from langchain_core.messages import HumanMessage, SystemMessage
from pydantic import BaseModel, Field

from ..errors import ConfigurationError
from ..limits.deadline import Deadline
from ..models.factory import LLMFactory
from ..prompts.language import Language
from ..prompts.prompt import Prompt
from ..prompts.shared import GROUNDING_JUDGE
from ..settings import Settings
from ..telemetry.audit_log import AuditLog

log = structlog.stdlib.get_logger(__name__)


class Support(BaseModel):
    """What holds the answer up."""

    is_supported: bool = Field(description="True when every claim of the answer follows from the facts.")


class NoJudgeScript:
    """The embedded model as judge, which the settings refuse: it could only repeat the rules."""

    def respond(self, *_: Any) -> NoReturn:
        """Judge nothing.

        Raises:
            ConfigurationError: Always.
        """
        raise ConfigurationError(["GROUNDING_JUDGE: the embedded model judges nothing"])


class GroundingJudge:
    """Asks the model of the role `judge` about an answer that the rules let through: one call of the run more.

    Where it fails, `is_closed` decides: the answer counts as unsupported, or leaves. Both are counted.
    """

    def __init__(self, factory: LLMFactory, *, is_closed: bool, timeout_seconds: float) -> None:
        """Wait at most `timeout_seconds` for a judgement, and no longer than the run has."""
        self._model = factory.for_role("judge", NoJudgeScript()).bind_tools([Support], tool_choice="any")
        self._is_closed = is_closed
        self._timeout = timeout_seconds

    @classmethod
    def from_settings(cls, settings: Settings, factory: LLMFactory) -> Self | None:
        """The judge that GROUNDING_JUDGE asks for; None where it is off, or no model may be asked."""
        if settings.grounding_judge == "off":
            return None
        if factory.is_disabled:
            log.warning("judge_unused", because="DISABLE_LLM")
            return None
        is_closed = settings.grounding_judge == "fail_closed"
        return cls(factory, is_closed=is_closed, timeout_seconds=settings.injection_detector_seconds)

    async def supports(self, answer: str, question: str, facts: Iterable[Any], language: Language) -> bool:
        """Whether `facts` and `question` hold all of `answer` up, as the model judges."""
        try:
            async with asyncio.timeout(Deadline.clamp(self._timeout)):
                is_supported = await self._ask(answer, question, [*facts], language)
        except Exception as failure:  # noqa: BLE001 - whatever a provider raises, and an answer of another form
            log.warning("judge_failed", error=type(failure).__name__)
            AuditLog.record("grounding_judge", "failed", type(failure).__name__)
            return not self._is_closed
        if not is_supported:
            AuditLog.record("grounding_judge", "withheld", "claim")
        return is_supported

    async def _ask(self, answer: str, question: str, facts: list[Any], language: Language) -> bool:
        known = orjson.dumps(facts, default=str).decode()
        parts = (Prompt.fence("question", question), Prompt.fence("facts", known), Prompt.fence("answer", answer))
        messages = [SystemMessage(GROUNDING_JUDGE.render(language)), HumanMessage("\n".join(parts))]
        judgement = await self._model.ainvoke(messages, {"metadata": GROUNDING_JUDGE.metadata})
        if not judgement.tool_calls:
            raise ValueError("no judgement")
        return Support.model_validate(judgement.tool_calls[0]["args"]).is_supported
