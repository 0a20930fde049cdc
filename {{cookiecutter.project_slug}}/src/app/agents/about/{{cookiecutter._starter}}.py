"""The about agent: says what this service is, from `project.json`."""

import json
from collections.abc import Sequence
from importlib.resources import files

from app.agents.about.prompt import ABOUT, IDENTITY
from harness import Agent, Configuration, Language, Policy, Source, ToolCall, ToolMethod, ToolResult


class AboutAgent(Agent[Configuration]):
    """One tool that reads one file: a start to build on."""

    name = "about"
    description = {"en": "Says what this service is.", "es": "Dice qué es este servicio."}
    keywords = {"en": ("service", "about", "help", "you"), "es": ("servicio", "ayuda", "ayudar", "eres", "puedes")}
    examples = {
        "en": ("What is this service about?", "What can you help me with?"),
        "es": ("¿Qué es este servicio?", "¿En qué me puedes ayudar?"),
    }
    prompt = ABOUT
    settings_class = Configuration

    def policy(self) -> Policy:
        """Its one tool, and nothing resources."""
        return Policy(tools=frozenset({"describe"}))

    def tool_methods(self) -> Sequence[ToolMethod]:
        """Its one tool."""
        return [self.describe]

    async def describe(self) -> ToolResult:
        """Tell what this service is called and what it does."""
        project = json.loads(files("app").joinpath("project.json").read_bytes())
        source = Source(title=project["title"], url=project["repository_url"])
        facts = {"title": project["title"], "description": project["description"]}
        return ToolResult(facts, [source])

    def plan_without_model(self, question: str, language: Language) -> Sequence[ToolCall]:
        """Always the one tool."""
        return [ToolCall("describe")]

    def render(self, findings: Sequence[ToolResult], language: Language) -> str:
        """One sentence of its own, and the description."""
        return IDENTITY.format(language, **findings[0].facts)
