"""What may vary: every knob with its unit, default and reason. Nothing else reads the environment.

One class a subject; `Settings` is all of them together.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import ClassVar
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from ..configuration import Configuration
from .bedrock import BedrockSettings
from .callers import CallerSettings, LimitSettings
from .guards import GuardSettings
from .lines import SettingsLines
from .models import EMBEDDED, MODEL_EXAMPLES, ModelSettings, RunSettings
from .server import DataSettings, LogFormats, ServerSettings, StoreSettings, StoreURL, TracingSettings

SettingsLines.spread()

__all__ = ["EMBEDDED", "MODEL_EXAMPLES", "Configuration", "LogFormats", "Settings", "StoreURL"]


class Settings(
    ServerSettings,
    CallerSettings,
    LimitSettings,
    GuardSettings,
    ModelSettings,
    BedrockSettings,
    RunSettings,
    StoreSettings,
    DataSettings,
    TracingSettings,
):
    """The service's settings. Agents and endpoints keep theirs in `<name>/settings.py`."""

    title: ClassVar = "Service"

    @staticmethod
    def subjects() -> list[type[Configuration]]:
        """The subjects in the order in which pages show them."""
        return [it for it in Settings.__bases__ if issubclass(it, Configuration)]

    @staticmethod
    def of_endpoints() -> Mapping[str, type[Configuration]]:
        """Endpoint -> `SETTINGS` of its `settings.py`, if it has some. The endpoint itself is not imported for it."""
        package = "harness.endpoints"
        names = sorted(it.name for it in iter_modules(import_module(package).__path__))
        modules = {name: f"{package}.{name}.settings" for name in names}
        return {name: import_module(it).SETTINGS for name, it in modules.items() if find_spec(it)}

    def rules(self) -> Iterator[str]:
        """What the settings break together, one problem each."""
        if self.environment == "production":
            yield from (f"ENVIRONMENT=production refuses {it}" for it in self._only_for_development())
        for subject in self.subjects():
            yield from subject.rules(self)
        judges = {"INJECTION_JUDGE": self.injection_judge, "GROUNDING_JUDGE": self.grounding_judge != "off"}
        if (self.llm_judge_model or self.llm_model) == EMBEDDED:
            for name in (it for it, is_on in judges.items() if is_on):
                yield f"{name}: the embedded model judges nothing; set LLM_JUDGE_MODEL"
        if self.workers > 1 and self.database_url.startswith((StoreURL.MEMORY, StoreURL.SQLITE)):
            yield "WORKERS: more than one process needs DATABASE_URL=postgresql://..."

    def _only_for_development(self) -> Iterator[str]:
        if self.use_fake_data:
            yield "USE_FAKE_DATA=true, which invents answers: set it to false"
        if self.authentication == "off":
            yield "AUTHENTICATION=off, which lets everybody in: set it to keys, oidc or both"
        if self.oidc_issuer and not self.oidc_issuer.startswith("https://"):
            yield "OIDC_ISSUER without https"
        if self.workers > 1 and self.limits != "off" and not self.redis_url:
            yield "several processes that count limits for themselves: set REDIS_URL, or LIMITS=off"
        if self.database_url == StoreURL.MEMORY:
            yield "DATABASE_URL=memory://, which loses threads: set another store"

    def secrets(self) -> Iterator[SecretStr]:
        """Every secret, the passwords inside DATABASE_URL and REDIS_URL too, and the collector's headers as sent."""
        yield from super().secrets()
        headers = self.otel_exporter_otlp_headers
        for pair in headers.get_secret_value().split(",") if headers else ():
            yield SecretStr(unquote(pair.partition("=")[2].strip()))
        for url in (self.database_url, self.redis_url and self.redis_url.get_secret_value()):
            if url and (password := urlsplit(url).password):
                yield SecretStr(password)
                yield SecretStr(unquote(password))
