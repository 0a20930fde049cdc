"""The detectors that the settings choose, beside the rules."""

from collections.abc import Iterator
from pathlib import Path

import structlog

from ..models.factory import LLMFactory
from ..settings import Settings
from .bedrock import BedrockGuardrail
from .classifier import Classifier
from .injection import InjectionRules
from .injection_guard import Detector, InjectionGuard
from .injection_rules import RuleFile
from .judge import Judge

log = structlog.stdlib.get_logger(__name__)


class Detectors:
    """Builds the guard with them. A new kind is one class as in classifier.py, and a line here."""

    @classmethod
    def guard(cls, settings: Settings, factory: LLMFactory) -> InjectionGuard:
        """The guard as configured.

        Raises:
            ConfigurationError: A detector cannot be built from the settings.
        """
        return InjectionGuard(
            settings.injection,
            () if settings.injection == "off" else tuple(cls._chosen(settings, factory)),
            timeout_seconds=settings.injection_detector_seconds,
            is_closed=settings.injection_without_detector == "refuse",
            rules=cls._rules(settings.injection_rules_file),
        )

    @staticmethod
    def _rules(file: Path | None) -> InjectionRules | None:
        if file is None:
            return None
        return InjectionRules(*RuleFile(file, "INJECTION_RULES_FILE").rules())

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
