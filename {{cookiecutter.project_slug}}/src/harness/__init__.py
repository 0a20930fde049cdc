"""The harness: everything that makes agents a production service. What is listed here is its public interface.

A release keeps these names and what they take; everything else in this package may change with an update.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .application import Application
    from .auth.principal import Principal, Scope
    from .cli import main
    from .configuration import Configuration
    from .errors import ClarificationNeeded, InputRefused, SourceUnavailable
    from .http.authentication import requires
    from .locale.locale import Locale
    from .prompts.language import LANGUAGES, Language, LanguageDetector, Text, Translations, Words
    from .prompts.messages import LocalizedMessage
    from .prompts.prompt import Prompt
    from .runtime.agent import Agent, Source, ToolCall, ToolMethod, ToolResult
    from .runtime.agent_flows import Handoffs, Supervisor
    from .runtime.flows import OwnGraph, Parallel
    from .runtime.graph_model import model
    from .runtime.guarded_tools import tools
    from .runtime.registry import Registry
    from .runtime.replies import Reply
    from .settings import Settings
    from .sources.http import Params
    from .sources.mcp.server import MCPServer
    from .sources.policy import Policy
    from .sources.resources import AgentResources
    from .storage.thread_ref import ThreadRef
    from .telemetry.metrics import REGISTRY

__all__ = [
    "LANGUAGES",  # all of them
    "REGISTRY",  # Prometheus registry of `/metrics`: give it to your own counters
    "Agent",  # derive from it
    "AgentResources",  # how an agent reaches hosts, files and tables
    "Application",  # its parts; `create_app` makes the service of them
    "ClarificationNeeded",  # a question back to the user
    "Configuration",  # an agent's own settings: derive from it
    "Handoffs",  # flow: one agent holds the conversation and hands it on
    "InputRefused",  # the request breaks a stated bound: 422
    "Language",  # the code of one: `en`, `es`, or a file's in `src/app/locale`
    "LanguageDetector",  # which of them a text is in
    "Locale",  # what the harness knows of a language, as data
    "LocalizedMessage",  # a fixed sentence in each language
    "MCPServer",  # a server of tools, among those of an agent
    "OwnGraph",  # flow: a graph of your own
    "Parallel",  # flow: a plan, agents side by side, one answer
    "Params",  # the query of a request to a host
    "Policy",  # which tools, hosts, files and tables an agent may use
    "Principal",  # who calls
    "Prompt",  # a text for a model, with its name and version
    "Registry",  # finds the agents of a package
    "Reply",  # what a run answers
    "Scope",  # what a caller may do
    "Settings",  # its settings: derive yours from this class
    "Source",  # where a fact is from
    "SourceUnavailable",  # a data source gave nothing usable
    "Supervisor",  # flow: a model calls agents as tools
    "Text",  # the same text in each language
    "ThreadRef",  # whose conversation a message belongs to
    "ToolCall",  # a tool and its arguments, planned without a model
    "ToolMethod",  # what a tool of an agent is
    "ToolResult",  # what a tool gives: facts and their sources
    "Translations",  # picks, of texts by language, the one to say
    "Words",  # a text as comparable words
    "main",  # its command line
    "model",  # the model of a role, for a graph of your own
    "requires",  # narrows a route to callers with a scope
    "tools",  # functions and LangChain tools inside of a policy
]

_MODULES = {
    "application": ("Application",),
    "auth.principal": ("Principal", "Scope"),
    "cli": ("main",),
    "configuration": ("Configuration",),
    "errors": ("ClarificationNeeded", "InputRefused", "SourceUnavailable"),
    "http.authentication": ("requires",),
    "locale.locale": ("Locale",),
    "prompts.language": ("LANGUAGES", "Language", "LanguageDetector", "Text", "Translations", "Words"),
    "prompts.messages": ("LocalizedMessage",),
    "prompts.prompt": ("Prompt",),
    "runtime.agent": ("Agent", "Source", "ToolCall", "ToolMethod", "ToolResult"),
    "runtime.agent_flows": ("Handoffs", "Supervisor"),
    "runtime.flows": ("OwnGraph", "Parallel"),
    "runtime.graph_model": ("model",),
    "runtime.guarded_tools": ("tools",),
    "runtime.registry": ("Registry",),
    "runtime.replies": ("Reply",),
    "settings": ("Settings",),
    "sources.http": ("Params",),
    "sources.mcp.server": ("MCPServer",),
    "sources.policy": ("Policy",),
    "sources.resources": ("AgentResources",),
    "storage.thread_ref": ("ThreadRef",),
    "telemetry.metrics": ("REGISTRY",),
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for: the command line starts without the rest."""
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f".{module}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
