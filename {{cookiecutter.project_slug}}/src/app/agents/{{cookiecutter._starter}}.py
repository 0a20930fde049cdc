"""The about agent: says what this service is, from `project.json`."""

import json
from importlib.resources import files

from harness import Agent, Policy, Source, ToolResult


class AboutAgent(Agent):
    """One tool that reads one file: a start to build on."""

    description = {"en": "Says what this service is.", "es": "Dice qué es este servicio."}
    prompt = "You tell what this service is, from what the tool `describe` returns, in one or two friendly sentences."
    policy = Policy(tools={"describe"})
    keywords = {"en": ("service", "about", "help", "you"), "es": ("servicio", "ayuda", "ayudar", "eres", "puedes")}
    examples = {
        "en": ("What is this service about?", "What can you help me with?"),
        "es": ("¿Qué es este servicio?", "¿En qué me puedes ayudar?"),
    }

    def describe(self) -> ToolResult:
        """Tell what this service is called and what it does."""
        project = json.loads(files("app").joinpath("project.json").read_bytes())
        text = f"{project['title']}. {project['description']}"
        return ToolResult({"result": text}, [Source(title=project["title"], url=project["repository_url"])])
