"""The one place where chat models are made, each role with its own by configuration alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from langchain_core.language_models import BaseChatModel
from pydantic import SecretStr

from ..configuration import Configuration
from ..errors import ConfigurationError, ModelUnavailable
from ..project import Extra
from ..settings import EMBEDDED, Settings
from ..settings.network import OutgoingNetwork
from .call_recorder import Prices
from .circuit_breaker import BreakerState
from .failover import FailoverModel
from .model_config import ModelConfig, ModelRef, Role
from .providers import PROVIDERS, ModelHttp
from .resilient_model import ModelEndpoint, ResilientModel
from .rule_based import RuleBasedModel, ScriptedReply

Kind = Literal["embedded", "provider", "disabled"]


@dataclass(frozen=True, slots=True)
class LinkState:
    """The state of one model, first or fallback."""

    model: str
    breaker: BreakerState
    """`closed`: it is asked; `open`: it failed too often; `half_open`: one call tries it."""


@dataclass(frozen=True, slots=True)
class RoleModel:
    """What answers in one role."""

    role: Role
    model: str
    """`embedded` or `provider:model`, as configured."""
    kind: Kind
    links: Sequence[LinkState] = ()
    """Of a provider: the model and its fallbacks in the order in which they are asked."""

    @property
    def is_available(self) -> bool:
        """False while every model's breaker is open, until a call works."""
        return not self.links or any(link.breaker == "closed" for link in self.links)


class LLMFactory:
    """Builds the models of all roles once, at start; requests share them."""

    def __init__(self, settings: Settings, roles: Sequence[Role] = ()) -> None:
        """Build the providers' models of `roles`, or of those of a service; only chosen providers are imported.

        Raises:
            ConfigurationError: A provider is unknown, not installed, or lacks its key or credentials.
        """
        self._settings = settings
        self._http = ModelHttp(settings)
        self._prices = Prices(settings.llm_prices)
        self._config = ModelConfig(settings, roles)
        self._embedded = ModelEndpoint(EMBEDDED, EMBEDDED, settings, self._prices)
        self._models = {} if self.is_disabled else self._build()

    @property
    def is_disabled(self) -> bool:
        """True when no model may be called (DISABLE_LLM): rules plan, agents answer with their data."""
        return self._settings.disable_llm

    def for_role(self, role: Role, script: ScriptedReply) -> BaseChatModel:
        """The model of `role`; where that is the embedded one, it says what `script` says.

        Raises:
            ModelUnavailable: No model may be called; ask `is_disabled` first.
        """
        if self.is_disabled:
            raise ModelUnavailable(role, "DISABLE_LLM is on")
        if role in self._models:
            return self._models[role]
        model = ResilientModel(self._embedded, RuleBasedModel(script=script))
        return self._failover(role, [model])

    def models(self) -> list[RoleModel]:
        """What answers in each role, for readiness and for the notice in a reply."""
        states = []
        for role, first in self._config.first.items():
            model = self._models.get(role)
            kind: Kind = "disabled" if self.is_disabled else "provider" if model else "embedded"
            endpoints = [it.endpoint for it in model.models] if model else []
            links = [LinkState(it.name, it.breaker.state) for it in endpoints]
            states.append(RoleModel(role, first.model, kind, links))
        return states

    async def aclose(self) -> None:
        """Close the connections to the providers."""
        await self._http.aclose()

    def _build(self) -> Mapping[Role, FailoverModel]:
        problems = list(self._config.problems())
        models: dict[ModelRef, ResilientModel] = {}
        refs = [it for it in self._config.all() if it.provider in PROVIDERS]
        if refs and (of_network := list(OutgoingNetwork.problems())):
            raise ConfigurationError([*problems, *of_network])  # no model could be built
        for ref in refs:
            try:
                models[ref] = self._resilient(ref)
            except ConfigurationError as error:
                problems.extend(error.problems)
        if problems:
            raise ConfigurationError(problems)
        # Roles share a model, and with it its connections, breaker and concurrency limit.
        return {role: self._failover(role, [models[ref] for ref in row]) for role, row in self._config.rows.items()}

    def _failover(self, role: Role, models: Sequence[ResilientModel]) -> FailoverModel:
        seconds = self._settings.llm_timeout_seconds
        return FailoverModel(role=role, models=models, timeout_seconds=seconds)

    def _resilient(self, ref: ModelRef) -> ResilientModel:
        parameters = PROVIDERS[ref.provider].parameters
        endpoint = ModelEndpoint(ref.name, ref.model, self._settings, self._prices, parameters)
        return ResilientModel(endpoint, self._provider_model(ref))

    def _provider_model(self, ref: ModelRef) -> BaseChatModel:
        provider = PROVIDERS[ref.provider]
        try:
            options = provider.options(self._settings, ref.endpoint, self._http)
            options = {name: value for name, value in options.items() if value is not None}
            model = provider.build(ref.model, options)
        except ImportError as missing:
            is_own = not missing.name or missing.name.startswith(("langchain_", "botocore"))  # what the extra brings
            of_what = "" if is_own else f" ({missing.name} is missing)"
            raise ref.refused(f"{Extra.remedy(provider.extra)}{of_what}") from None
        except ConfigurationError as known:
            raise ref.refused("; ".join(known.problems)) from None
        except Exception as failure:  # noqa: BLE001 - see below
            # Every class has its own way to miss a key or a region, and its text may quote one.
            raise ref.refused(f"{provider.needs} ({type(failure).__name__})") from None
        if not provider.is_ready(model):
            raise ref.refused(provider.needs)
        for field in type(model).model_fields:  # what the class has read from the environment itself
            value = getattr(model, field, None)
            if isinstance(value, SecretStr) and not Configuration.is_one_line(value.get_secret_value()):
                raise ref.refused(f"{field.upper()} holds a space or a line end; write the value alone")
        provider.adapt(model, self._http)
        return model
