"""What may vary: every knob with its unit, default and reason. Nothing else reads the environment.

A value comes from, in this order: an argument (tests), the environment, the file `.env` in the
working directory, a file named like the setting in `/run/secrets`, the default below.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import AnyHttpUrl, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from .errors import Misconfigured
from .project import Project
from .prompts.language import Language

EMBEDDED = "embedded"
"""The model that needs no key and no network; see `llm/embedded.py`."""

MODEL_EXAMPLES = {
    "openai": "openai:gpt-5-mini",
    "anthropic": "anthropic:claude-sonnet-5",
    "bedrock": "bedrock_converse:anthropic.claude-sonnet-5",
    "ollama": "ollama:qwen3",
}
"""One current model per provider, shown in `.env.example`."""

MODEL_PATTERN = r"^(embedded|[a-z_]+:\S+)$"


class Configuration(BaseSettings):
    """Where settings come from; an agent's own settings derive from this class too."""

    model_config = SettingsConfigDict(
        extra="ignore",
        env_ignore_empty=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
        frozen=True,
    )

    env_file: ClassVar[Path | None] = Path(".env")
    """The file read beside the environment; tests set it to None."""

    secrets_dir: ClassVar[Path] = Path("/run/secrets")
    """One file a secret, as Docker and Kubernetes mount them; ignored where it does not exist."""

    def __init__(self, **values: Any) -> None:
        """Read the settings.

        Raises:
            Misconfigured: One or more settings are wrong; every one is named, no value is shown.
        """
        secrets = self.secrets_dir if self.secrets_dir.is_dir() else None
        try:
            super().__init__(_env_file=self.env_file, _secrets_dir=secrets, **values)
        except ValidationError as invalid:
            raise Misconfigured(self._problems(invalid)) from None
        except SettingsError as broken:  # a list or a table that is no JSON; names its field
            raise Misconfigured([f"{broken}: write it as JSON"]) from None

    @classmethod
    def variable(cls, field: str) -> str:
        """The environment variable of a field: `llm_model` -> `LLM_MODEL`."""
        return f"{cls.model_config.get('env_prefix') or ''}{field}".upper()

    @classmethod
    def _problems(cls, invalid: ValidationError) -> Sequence[str]:
        problems = []
        for error in invalid.errors(include_input=False, include_url=False):
            if not error["loc"]:  # a rule over several settings names them itself
                problems.append(error["msg"].removeprefix("Value error, "))
                continue
            field = str(error["loc"][0])
            known = cls.model_fields.get(field)
            about = known.description.partition("\n")[0] if known and known.description else ""
            hint = f" ({about})" if about else ""
            problems.append(f"{cls.variable(field)}: {error['msg']}{hint}")
        return problems


class Settings(Configuration):
    """The service's settings. Agents keep theirs in `agents/<name>/settings.py`."""

    environment: Literal["development", "production"] = "development"
    """`production` refuses to start with sample data or with memory that a restart loses."""

    host: str = "127.0.0.1"
    """Address that the server listens on. Containers set 0.0.0.0."""

    port: int = Field(default=8000, ge=1, le=65535)
    """TCP port that the server listens on."""

    language: Language = Project.load().language
    """Language of the answer where a question does not tell its own: `en` or `es`."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Lowest level that is logged."""

    log_format: Literal["auto", "json", "console"] = "auto"
    """`json` lines for machines, `console` for people; `auto` takes console on a terminal."""

    enable_verbose_logging: bool = False
    """Log debug events too: tool calls, prompts by name, sizes. Redaction stays on."""

    disable_llm: bool = False
    """Call no model at all: rules plan, and each agent answers from its data."""

    use_fake_data: bool = True
    """Answer from sample data and make no outbound data call. Refused in production."""

    llm_model: str = Field(default=EMBEDDED, pattern=MODEL_PATTERN)
    """Model for every role: `embedded` (no key, no network) or `provider:model`."""

    llm_planner_model: str | None = Field(default=None, pattern=MODEL_PATTERN)
    """Model that plans which agents work; empty: LLM_MODEL."""

    llm_agent_model: str | None = Field(default=None, pattern=MODEL_PATTERN)
    """Model that agents call tools with; empty: LLM_MODEL."""

    llm_writer_model: str | None = Field(default=None, pattern=MODEL_PATTERN)
    """Model that joins several agents' answers into one; empty: LLM_MODEL."""

    llm_api_key: SecretStr | None = None
    """Key of the model provider; empty: the provider's own variable or credential chain."""

    llm_base_url: AnyHttpUrl | None = None
    """Address of a compatible endpoint, such as a gateway; empty: the provider's own."""

    llm_timeout_seconds: float = Field(default=20, gt=0, le=600)
    """Longest wait for one model call, seconds. The SDKs' own 600 s outlives any caller."""

    llm_max_retries: int = Field(default=1, ge=0, le=5)
    """Retries of one model call on connection errors, 429 and 5xx."""

    llm_temperature: float | None = Field(default=None, ge=0, le=2)
    """Sampling temperature; empty: not sent, since several current models refuse it."""

    llm_max_output_tokens: int = Field(default=1024, ge=16)
    """Longest model answer, tokens."""

    agent_max_model_calls: int = Field(default=5, ge=1, le=50)
    """Model calls of one agent in one run; beyond it the agent answers from its data."""

    agent_max_tool_calls: int = Field(default=8, ge=1, le=100)
    """Tool calls of one agent in one run; further calls are refused to the model."""

    plan_max_tasks: int = Field(default=4, ge=1, le=20)
    """Tasks that one message may start side by side; more are asked to come one by one."""

    message_max_chars: int = Field(default=4000, ge=1)
    """Longest message, characters."""

    body_max_bytes: int = Field(default=64 * 1024, ge=1024)
    """Largest request body, bytes; refused with 413 before it is read whole."""

    history_turns: int = Field(default=6, ge=0, le=100)
    """Past exchanges that a thread keeps and a model sees: cost per turn stays flat."""

    database_url: str = Field(
        default="sqlite:///var/threads.sqlite", pattern=r"^(memory://|sqlite:///.+)$"
    )
    """Where threads are kept: `sqlite:///path/to/file` or `memory://` (lost at restart)."""

    data_timeout_seconds: float = Field(default=5, gt=0, le=120)
    """Longest wait for one answer of a data source, seconds, retries included."""

    data_max_retries: int = Field(default=2, ge=0, le=5)
    """Retries of one data call on connection errors, 429 and 5xx."""

    data_max_bytes: int = Field(default=2_000_000, ge=1024)
    """Largest answer of a data source after decompression, bytes."""

    @model_validator(mode="after")
    def _refuse_development_choices_in_production(self) -> Self:
        if self.environment == "production":
            problems = []
            if self.use_fake_data:
                problems.append("USE_FAKE_DATA=true invents answers: set USE_FAKE_DATA=false")
            if self.database_url == "memory://":
                problems.append("DATABASE_URL=memory:// loses threads: set sqlite:///path")
            if problems:
                raise ValueError("ENVIRONMENT=production refuses " + "; ".join(problems))
        return self
