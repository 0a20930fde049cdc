"""The models of each role by the settings, first and fallbacks, with their endpoints."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from ..errors import ConfigurationError
from ..settings import EMBEDDED, Settings
from .providers import PROVIDERS, Endpoint

Role = Literal["planner", "agent", "writer", "judge", "grader"]

ROLES: Final[Sequence[Role]] = ("planner", "agent", "writer")
"""Those that every service has; the judge is asked where INJECTION_JUDGE or GROUNDING_JUDGE is on.

The grader judges in an evaluation alone: no service has one.
"""


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A model that the configuration names, and the variable that names it."""

    variable: str = field(compare=False)
    model: str
    endpoint: Endpoint
    name: str
    """How logs, metrics and `/readyz` call it: the model, marked where its endpoint is another."""

    @property
    def provider(self) -> str:
        """`openai` of `openai:gpt-5-mini`."""
        return self.model.partition(":")[0]

    def refused(self, remedy: str) -> ConfigurationError:
        """The refusal to start with this model."""
        return ConfigurationError([f"{self.variable}: {self.model} cannot be used: {remedy}"])


class ModelConfig:
    """The first model of every role, and the whole row of every role that a provider answers.

    LLM_API_KEY and LLM_BASE_URL are for the first models, LLM_FALLBACK_API_KEY and
    LLM_FALLBACK_BASE_URL for the fallbacks. Without the latter a fallback of a provider that is
    among the first ones is asked there, and one of another provider by its own variables.
    """

    OWN_VARIABLES: Final = "leave it empty and set each provider's own variable"

    def __init__(self, settings: Settings, roles: Sequence[Role] = ()) -> None:
        """Of `roles`; without them, of those that the service has."""
        self._first_endpoint = Endpoint(settings.llm_api_key, settings.llm_base_url)
        self._own_endpoint = Endpoint(settings.llm_fallback_api_key, settings.llm_fallback_base_url)
        judge: Sequence[Role] = ("judge",) if settings.injection_judge or settings.grounding_judge != "off" else ()
        self.first: dict[Role, ModelRef] = {}
        for role in roles or (*ROLES, *judge):
            own = getattr(settings, f"llm_{role}_model")
            variable = f"LLM_{role.upper()}_MODEL" if own else "LLM_MODEL"
            model = own or settings.llm_model
            self.first[role] = ModelRef(variable, model, self._first_endpoint, name=model)
        self._first_providers = {ref.provider for ref in self.first.values()} - {EMBEDDED}
        self.rows: dict[Role, Sequence[ModelRef]] = {}
        for role, first in self.first.items():
            own = getattr(settings, f"llm_{role}_fallback_models", None)
            variable = f"LLM_{role.upper()}_FALLBACK_MODELS" if own else "LLM_FALLBACK_MODELS"
            names = (own or settings.llm_fallback_models or "").split(",")
            if role == "grader":
                names = []  # another judge has another measure
            row = [first, *(self._fallback(variable, it.strip()) for it in names if it.strip())]
            if first.model != EMBEDDED:
                self.rows[role] = list(dict.fromkeys(row))  # the same twice is one: it failed

    def all(self) -> Sequence[ModelRef]:
        """Every model of a provider once."""
        return list(dict.fromkeys(ref for row in self.rows.values() for ref in row))

    def problems(self) -> Iterator[str]:
        """Providers that there are not, and keys and addresses that another endpoint would be sent."""
        for ref in self.all():
            if ref.provider not in PROVIDERS:
                yield from ref.refused(f"the provider is not one of {', '.join(PROVIDERS)}").problems
        yield from self._shared("", self._first_endpoint)
        yield from self._shared("FALLBACK_", self._own_endpoint)
        fallbacks = [ref for ref in self.all() if ref.endpoint == self._own_endpoint]
        keyed = any(self._takes_key(ref.provider) for ref in fallbacks)
        if self._own_endpoint.base_url and not self._own_endpoint.api_key and keyed:
            yield (
                "LLM_FALLBACK_BASE_URL: set LLM_FALLBACK_API_KEY too (any text where the endpoint"
                " asks for none): no other key is sent there"
            )

    def _shared(self, infix: str, endpoint: Endpoint) -> Iterator[str]:
        names = {ref.provider for ref in self.all() if ref.endpoint == endpoint}
        keyed = sorted(filter(self._takes_key, names))
        if endpoint.api_key and len(keyed) > 1:
            yield f"LLM_{infix}API_KEY: one key for {' and '.join(keyed)}; {self.OWN_VARIABLES}"
        if endpoint.base_url and len(names) > 1:
            served = " and ".join(sorted(names))
            yield f"LLM_{infix}BASE_URL: one address for {served}; {self.OWN_VARIABLES}"

    @staticmethod
    def _takes_key(provider: str) -> bool:
        return provider in PROVIDERS and PROVIDERS[provider].takes_key

    def _fallback(self, variable: str, model: str) -> ModelRef:
        if self._own_endpoint != Endpoint():
            return ModelRef(variable, model, self._own_endpoint, name=f"{model}@fallback")
        is_known = model.partition(":")[0] in self._first_providers
        endpoint = self._first_endpoint if is_known else Endpoint()
        return ModelRef(variable, model, endpoint, name=model)
