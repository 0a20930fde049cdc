"""The harness: everything that makes agents a production service. What is listed here is its public interface."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .application import Application
    from .cli import main
    from .configuration import Configuration
    from .errors import ClarificationNeeded, SourceUnavailable
    from .locale.locale import Locale
    from .prompts.language import LANGUAGES, Language, LanguageDetector, Text, Words
    from .prompts.messages import LocalizedMessage
    from .prompts.prompt import Prompt
    from .runtime.agent import Agent, Source, ToolCall, ToolMethod, ToolResult
    from .runtime.registry import Registry
    from .sources.http import Params
    from .sources.policy import Policy
    from .sources.resources import AgentResources

_HOMES = {
    "Agent": "runtime.agent",
    "Application": "application",
    "ToolCall": "runtime.agent",
    "Configuration": "configuration",
    "ToolResult": "runtime.agent",
    "LANGUAGES": "prompts.language",
    "Language": "prompts.language",
    "LanguageDetector": "prompts.language",
    "Locale": "locale.locale",
    "ClarificationNeeded": "errors",
    "AgentResources": "sources.resources",
    "Params": "sources.http",
    "LocalizedMessage": "prompts.messages",
    "Policy": "sources.policy",
    "Prompt": "prompts.prompt",
    "Registry": "runtime.registry",
    "Source": "runtime.agent",
    "SourceUnavailable": "errors",
    "Text": "prompts.language",
    "ToolMethod": "runtime.agent",
    "Words": "prompts.language",
    "main": "cli",
}

__all__ = [
    "LANGUAGES",
    "Agent",
    "AgentResources",
    "Application",
    "ClarificationNeeded",
    "Configuration",
    "Language",
    "LanguageDetector",
    "Locale",
    "LocalizedMessage",
    "Params",
    "Policy",
    "Prompt",
    "Registry",
    "Source",
    "SourceUnavailable",
    "Text",
    "ToolCall",
    "ToolMethod",
    "ToolResult",
    "Words",
    "main",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for: the command line starts without the rest."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
