"""Agents that only the tests know, so that no test depends on the agents you keep or delete.

`moons` and `heights` answer from a table; `flaky` has a source that is down, `buggy` a bug.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.errors import ClarificationNeeded, SourceUnavailable
from harness.prompts.language import Language, Words
from harness.prompts.messages import LocalizedMessage
from harness.prompts.prompt import Prompt
from harness.runtime.agent import Agent, Source, ToolCall, ToolMethod, ToolResult
from harness.settings import Configuration
from harness.sources.policy import Policy


class TableAgent(Agent[Configuration]):
    """Answers with one number of a table."""

    settings_class = Configuration
    table: Mapping[str, int]
    answer: LocalizedMessage
    detail: LocalizedMessage
    prompt = Prompt(
        name="table", version="7", text={"en": "Answer with the tool's number.", "es": "Responde con la cifra."}
    )

    def policy(self) -> Policy:
        return Policy(tools=frozenset({"look_up"}))

    def tool_methods(self) -> Sequence[ToolMethod]:
        return [self.look_up]

    async def look_up(self, name: str) -> ToolResult:
        """The number of one name in the table."""
        number = self.table[name]
        source = Source(title=f"Table of {self.name}", url=f"https://tables.example/{self.name}")
        return ToolResult({"name": name, "number": number}, [source])

    def plan_without_model(self, question: str, language: Language) -> Sequence[ToolCall]:
        found = [word for word in Words.tokenize(question) if word in self.table]
        if not found:
            raise ClarificationNeeded(self.detail.format(language))
        return [ToolCall("look_up", {"name": name}) for name in found]

    def render(self, findings: Sequence[ToolResult], language: Language) -> str:
        return " ".join(self.answer.format(language, **finding.facts) for finding in findings)


class MoonsAgent(TableAgent):
    """How many moons a planet has."""

    name = "moons"
    description = {"en": "Moons of a planet.", "es": "Lunas de un planeta."}
    keywords = {"en": ("moon",), "es": ("luna",)}
    examples = {
        "en": ("How many moons has Mars?", "Moons of Saturn"),
        "es": ("¿Cuántas lunas tiene Marte?", "Lunas de Saturno"),
    }
    table = {"mars": 2, "marte": 2, "saturn": 146, "saturno": 146}
    answer = LocalizedMessage(en="$name has $number moons.", es="$name tiene $number lunas.")
    detail = LocalizedMessage(en="Which planet?", es="¿Qué planeta?")


class HeightsAgent(TableAgent):
    """How high a mountain is."""

    name = "heights"
    description = {"en": "Height of a mountain.", "es": "Altura de una montaña."}
    keywords = {"en": ("high", "height"), "es": ("alto", "alta", "altura", "mide")}
    examples = {
        "en": ("How high is Everest?", "Height of Teide"),
        "es": ("¿Cuánto mide el Everest?", "Altura del Teide"),
    }
    table = {"everest": 8849, "teide": 3715}
    answer = LocalizedMessage(en="$name is $number m high.", es="$name mide $number m.")
    detail = LocalizedMessage(en="Which mountain?", es="¿Qué montaña?")


class FlakyAgent(TableAgent):
    """Its data source is down."""

    name = "flaky"
    description = {"en": "Tides of a port.", "es": "Mareas de un puerto."}
    keywords = {"en": ("tide",), "es": ("marea",)}
    examples = {"en": ("Tides in Vigo", "Tide today"), "es": ("Mareas en Vigo", "Marea de hoy")}
    table: Mapping[str, int] = {}

    async def look_up(self, name: str) -> ToolResult:
        """The tide of one port."""
        raise SourceUnavailable("tides.example", "planted: connection refused")

    def plan_without_model(self, question: str, language: Language) -> Sequence[ToolCall]:
        return [ToolCall("look_up", {"name": "vigo"})]


class BuggyAgent(FlakyAgent):
    """Its code has a bug, and the exception's text holds a secret."""

    name = "buggy"
    description = {"en": "Stars.", "es": "Estrellas."}
    keywords = {"en": ("star",), "es": ("estrella",)}
    examples = {"en": ("Star of Vega", "Stars"), "es": ("Estrella Vega", "Estrellas")}

    def plan_without_model(self, question: str, language: Language) -> Sequence[ToolCall]:
        raise RuntimeError("planted bug, password=hunter2")


TEST_AGENTS: tuple[type[Agent[Any]], ...] = (MoonsAgent, HeightsAgent, FlakyAgent, BuggyAgent)
