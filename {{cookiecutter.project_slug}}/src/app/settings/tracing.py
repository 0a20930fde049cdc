"""Where traces go. Nowhere, unless a setting here says so."""

from typing import ClassVar

from pydantic import AnyHttpUrl, SecretStr

from ..configuration import Configuration


class TracingSettings(Configuration):
    """Where traces go. Nowhere, unless a setting here says so."""

    title: ClassVar = "Traces"

    langsmith_tracing: bool = False
    """Send runs, with what was asked and answered (secrets redacted), and ratings to LangSmith."""

    langsmith_api_key: SecretStr | None = None
    """Key for LangSmith."""

    langsmith_endpoint: AnyHttpUrl | None = None
    """Address of LangSmith; empty: the library's own."""

    langsmith_project: str | None = None
    """Project there; empty: this service's name."""
