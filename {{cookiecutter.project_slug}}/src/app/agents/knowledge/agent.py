"""The knowledge agent: answers from the Markdown files of one folder and from a price list."""

import re
from collections.abc import Sequence

from harness import Agent, Language, Policy, ToolCall, ToolMethod, ToolResult, Words

from .prompt import KNOWLEDGE, NOTHING_ABOUT, NOTHING_FOUND, PRICE
from .settings import KnowledgeSettings
from .tools import KnowledgeTools


class KnowledgeAgent(Agent[KnowledgeSettings]):
    """Finds the passage or the price for a question, and gives it with its source."""

    PRICE_WORDS = frozenset({"price", "prices", "cost", "costs", "precio", "precios", "cuesta"})

    FROM = re.compile(
        r"\b(?:from|soy de|vengo de|vivo en|in|en|desde)\s+(?:the\s+|l[ao]s?\s+|el\s+)?[A-ZÁÉÍÓÚÑ]\w+(?:\s+[A-ZÁÉÍÓÚÑ]\w+)*"
        r"|^\s*(?i:as|being|como|siendo)\b[^,]{1,60},"
    )
    """Who somebody is, and from where, changes no answer."""

    description = {
        "en": "Answers from our documents: opening hours, returns, deliveries, prices, this service.",
        "es": "Responde con nuestros documentos: horarios, devoluciones, envíos, precios, este servicio.",
    }
    # Change these together with the documents in data/knowledge.
    keywords = {
        "en": (
            "hours",
            "open",
            "opening",
            "close",
            "closed",
            "return",
            "refund",
            "delivery",
            "deliver",
            "shipping",
            "contact",
            "price",
            "cost",
            "shop",
            "service",
            "charge",
            "fee",
            "ship",
            "money back",
            "give back",
            "send back",
            "bring back",
            "send me",
            "order",
            "store",
            "how much is",
            "how expensive",
            "phone",
            "reach you",
            "email",
        ),
        "es": (
            "horario",
            "abren",
            "abierta",
            "cierran",
            "cerrada",
            "devolver",
            "devolución",
            "reembolso",
            "entrega",
            "envío",
            "contacto",
            "precio",
            "cuesta",
            "tienda",
            "servicio",
            "cobran",
            "cuestan",
            "vale",
            "envían",
            "enviar",
            "mandan",
            "reparto",
            "devuelvo",
            "devuelven",
            "devolverlo",
            "cambiarlo",
            "abrís",
            "abre",
            "cierra",
            "teléfono",
            "correo",
            "pedido",
        ),
    }
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
        """One search with the whole question; the price list too when it asks for a price."""
        question = self.words.focus(question)
        calls = [ToolCall("search", {"question": self.FROM.sub(" ", question)})]
        if self.PRICE_WORDS.intersection(Words.tokenize(question)):
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
