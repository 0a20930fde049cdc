"""What only models on Amazon Bedrock need."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from ..configuration import Configuration

PROVIDER = "bedrock_converse:"
"""How the settings name a model there."""

GUARDRAIL_PATTERN = r"^(arn:aws[a-z-]*:bedrock:[a-z0-9-]+:\d+:guardrail/)?[a-z0-9]+:(\d+|DRAFT)$"


class BedrockSettings(Configuration):
    """What only models on Amazon Bedrock need; credentials and region come from AWS's own variables."""

    title: ClassVar = "Models on Amazon Bedrock"

    llm_bedrock_base_models: dict[str, str] = {}
    """The foundation model behind each id or ARN whose end does not name it (application inference profiles,
    provisioned, custom and imported models), as JSON: `{"arn:aws:bedrock:...:application-inference-profile/abc":
    "anthropic.claude-sonnet-5"}`. So nobody has to ask AWS's control plane at start."""

    llm_bedrock_streaming: Literal["auto", "on", "off"] = "auto"
    """Whether answers are streamed: where langchain-aws knows that the model can (`auto`; the log says at start where
    it does not), always (`on`), or never (`off`)."""

    llm_bedrock_guardrail: str | None = Field(default=None, pattern=GUARDRAIL_PATTERN)
    """Guardrail that Bedrock applies to every question and answer of these models, `id:version` or `arn:version`;
    needs the right bedrock:ApplyGuardrail. Empty: none."""

    llm_bedrock_prompt_cache: bool = True
    """Mark the end of the system prompt, so that Bedrock keeps it and the tools for the next calls (Claude and Nova).
    Reads cost a tenth of the price; writes to Claude's cache a quarter more; prompts below about 1,000 tokens nothing."""

    def rules(self) -> Iterator[str]:
        """What the settings break together, one problem each."""
        models = [value for name, value in vars(self).items() if name.endswith(("_model", "_models"))]
        if self.llm_bedrock_guardrail and not any(PROVIDER in it for it in models if isinstance(it, str)):
            yield f"LLM_BEDROCK_GUARDRAIL: no model is {PROVIDER}..., so it would guard nothing; leave it empty"
