"""Amazon Bedrock Guardrails as detector (ApplyGuardrail). boto3 is imported only where it is chosen."""

import asyncio
from importlib import import_module
from typing import Any, Final

from ..errors import ConfigurationError
from ..settings import Settings
from .injection_guard import Origin


class BedrockGuardrail:
    """Asks a guardrail that has the filter for prompt attacks. Its other policies count for nothing.

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
            self._client: Any = import_module("boto3").client("bedrock-runtime", config=config)
        except ImportError:
            needs = "install the extra [bedrock]"
            raise ConfigurationError([f"INJECTION_BEDROCK_GUARDRAIL: {needs}"]) from None
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
