"""The knowledge agent: answers from the Markdown files of one folder and from a price list."""

import re
from collections.abc import Sequence

from harness import Agent, ClarificationNeeded, Language, Policy, ToolCall, ToolMethod, ToolResult

from .passages import SUBJECTS, Passages, Subjects
from .prompt import KNOWLEDGE, NOTHING_ABOUT, NOTHING_FOUND, PRICE, PRICE_OF_WHAT
from .settings import KnowledgeSettings
from .tools import KnowledgeTools


class KnowledgeAgent(Agent[KnowledgeSettings]):
    """Finds the passage or the price for a question, and gives it with its source."""

    FROM = re.compile(r"\b(?i:from|in|en|de|desde)\s+(?:the\s+|l[ao]s?\s+|el\s+)?[A-ZÁÉÍÓÚÑ]\w+(?:\s+[A-ZÁÉÍÓÚÑ]\w+)*")
    """Where somebody is changes no answer."""

    subjects = Subjects()

    description = {
        "en": "Answers from our documents: opening hours, returns, deliveries, prices, this service.",
        "es": "Responde con nuestros documentos: horarios, devoluciones, envíos, precios, este servicio.",
    }
    keywords = {language: ", ".join(subjects.values()) for language, subjects in SUBJECTS.items()}
    examples = {
        "en": (
            "What are your opening hours on Saturday?",
            "How many days do I have to return something?",
            "What is the price of a helmet?",
            "What can this service do?",
        ),
        "es": (
            "¿Cuál es el horario de la tienda los sábados?",
            "¿Cuántos días tengo para devolver una compra?",
            "¿Qué precio tiene el casco?",
            "¿Qué puede hacer este servicio?",
        ),
    }
    prompt = KNOWLEDGE

    def policy(self) -> Policy:
        """Two tools, one folder and one table; no network."""
        return Policy(
            tools={"search", "prices"},
            folder=self.settings.folder,
            database=self.settings.database,
            tables={"products"},
        )

    def tool_methods(self) -> Sequence[ToolMethod]:
        """The search and the price list."""
        tools = KnowledgeTools(self.resources, self.settings)
        return [tools.search, tools.prices]

    def plan_without_model(self, question: str, language: Language) -> Sequence[ToolCall]:
        """One search with the question in the documents' words; the price list too when it asks for a price.

        Raises:
            ClarificationNeeded: It asks for a price, and of what it does not say.
        """
        question = self.words.focus(question)
        about = self.subjects.in_our_words(self.FROM.sub(" ", question))
        calls = [ToolCall("search", {"question": about, "language": language})]
        if self.subjects.asks_for_price(question):
            if not Passages.telling(about):
                raise ClarificationNeeded(PRICE_OF_WHAT.format(language))
            calls.append(ToolCall("prices", {"question": question, "language": language}))
        return calls

    def render(self, findings: Sequence[ToolResult], language: Language) -> str:
        """The prices, or else the best passage, word for word."""
        facts = {name: value for finding in findings for name, value in finding.facts.items()}
        if products := facts.get("products"):
            told = [PRICE.format(language, **product) for product in products]
            unpriced = ", ".join(facts["unpriced"])
            return " ".join([*told, NOTHING_ABOUT.format(language, asked=unpriced)] if unpriced else told)
        if not facts["passages"]:
            unknown = ", ".join(facts["unknown"])
            return NOTHING_ABOUT.format(language, asked=unknown) if unknown else NOTHING_FOUND.format(language)
        return str(facts["passages"][0]["text"])
