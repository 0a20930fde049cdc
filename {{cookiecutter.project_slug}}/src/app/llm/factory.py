"""The one place where chat models are made, each role with its own by configuration alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from langchain.chat_models import init_chat_model
from langchain_core.language_models import BaseChatModel

from ..errors import Misconfigured, ModelUnavailable
from ..settings import EMBEDDED, Settings
from .embedded import EmbeddedModel, Script
from .providers import PROVIDERS
from .telemetry import ModelCalls

Role = Literal["planner", "agent", "writer"]

OWN_VARIABLES: Final = "leave it empty and set each provider's own variable"


@dataclass(frozen=True, slots=True)
class RoleModel:
    """What answers in one role."""

    role: Role
    model: str
    """`embedded` or `provider:model`, as configured."""
    kind: Literal["embedded", "provider", "disabled"]


@dataclass(frozen=True, slots=True)
class Choice:
    """The model that the configuration names for a role, and the variable that names it."""

    variable: str
    model: str

    @property
    def provider(self) -> str:
        """`openai` of `openai:gpt-5-mini`."""
        return self.model.partition(":")[0]

    def refused(self, remedy: str) -> Misconfigured:
        """The refusal to start with this choice."""
        return Misconfigured([f"{self.variable}: {self.model} cannot be used: {remedy}"])


class LLMFactory:
    """Builds the models of all roles once, at start; requests share them."""

    def __init__(self, settings: Settings) -> None:
        """Build the providers' models; a provider's package is imported only where it is chosen.

        Raises:
            Misconfigured: A provider is unknown, not installed, or lacks its key or credentials.
        """
        self._settings = settings
        own: Mapping[Role, str | None] = {
            "planner": settings.llm_planner_model,
            "agent": settings.llm_agent_model,
            "writer": settings.llm_writer_model,
        }
        for_all = Choice("LLM_MODEL", settings.llm_model)
        self._chosen = {
            role: Choice(f"LLM_{role.upper()}_MODEL", model) if model else for_all
            for role, model in own.items()
        }
        self._models = {} if self.is_disabled else self._build()

    @property
    def is_disabled(self) -> bool:
        """True when no model may be called (DISABLE_LLM): rules plan, agents tell their data."""
        return self._settings.disable_llm

    def for_role(self, role: Role, script: Script) -> BaseChatModel:
        """The model of `role`; where that is the embedded one, it says what `script` says.

        Raises:
            ModelUnavailable: No model may be called; ask `is_disabled` first.
        """
        if self.is_disabled:
            raise ModelUnavailable(role, "DISABLE_LLM is on")
        if role in self._models:
            return self._models[role]
        return EmbeddedModel(script=script, callbacks=[ModelCalls(role, EMBEDDED)])

    def models(self) -> list[RoleModel]:
        """What answers in each role, for readiness and for the notice in a reply."""
        return [
            RoleModel(role, choice.model, self._kind(role)) for role, choice in self._chosen.items()
        ]

    def _kind(self, role: Role) -> Literal["embedded", "provider", "disabled"]:
        if self.is_disabled:
            return "disabled"
        return "provider" if role in self._models else "embedded"

    def _build(self) -> Mapping[Role, BaseChatModel]:
        chosen = {role: c for role, c in self._chosen.items() if c.model != EMBEDDED}
        problems = self._shared_by_strangers({choice.provider for choice in chosen.values()})
        built = {}
        for choice in dict.fromkeys(chosen.values()):
            try:
                built[choice] = self._build_one(choice)
            except Misconfigured as refusal:
                problems.extend(refusal.problems)
        if problems:
            raise Misconfigured(problems)
        # Copies share the provider's client, so that a role costs no connections of its own.
        return {
            role: built[choice].model_copy(update={"callbacks": [ModelCalls(role, choice.model)]})
            for role, choice in chosen.items()
        }

    def _shared_by_strangers(self, names: set[str]) -> list[str]:
        """Settings that one provider would be sent though they are meant for another."""
        keyed = sorted(name for name in names & PROVIDERS.keys() if PROVIDERS[name].takes_key)
        problems = []
        if self._settings.llm_api_key and len(keyed) > 1:
            problems.append(f"LLM_API_KEY: one key for {' and '.join(keyed)}; {OWN_VARIABLES}")
        if self._settings.llm_base_url and len(names) > 1:
            problems.append(
                f"LLM_BASE_URL: one address for {' and '.join(sorted(names))}; {OWN_VARIABLES}"
            )
        return problems

    def _build_one(self, choice: Choice) -> BaseChatModel:
        if choice.provider not in PROVIDERS:
            raise choice.refused(f"the provider is not one of {', '.join(PROVIDERS)}")
        provider = PROVIDERS[choice.provider]
        options = provider.options(self._settings)
        given = {name: value for name, value in options.items() if value is not None}
        try:
            model: BaseChatModel = init_chat_model(choice.model, **given)
        except ImportError:
            raise choice.refused(f"install the extra [{provider.extra}]") from None
        except Exception as failure:  # noqa: BLE001 - see below
            # Every class has its own way to miss a key or a region, and its text may quote one.
            raise choice.refused(f"{provider.needs} ({type(failure).__name__})") from None
        if not provider.is_ready(model):
            raise choice.refused(provider.needs)
        return model
