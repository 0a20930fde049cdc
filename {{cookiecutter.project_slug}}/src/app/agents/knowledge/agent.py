"""The knowledge agent: answers from the Markdown files of one folder."""

from collections.abc import Sequence

from ...connectors.policy import Policy
from ...graph.contract import Agent, Call, Finding, ToolMethod
from ...prompts.language import Language
from .prompt import KNOWLEDGE, NOTHING_FOUND
from .settings import KnowledgeSettings
from .tools import KnowledgeTools


class KnowledgeAgent(Agent[KnowledgeSettings]):
    """Finds the passage for a question and gives it with its file."""

    name = "knowledge"
    description = {
        "en": "Answers from our documents: opening hours, returns, deliveries, this service.",
        "es": "Responde con nuestros documentos: horarios, devoluciones, envíos, este servicio.",
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
            "shop",
            "service",
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
            "tienda",
            "servicio",
        ),
    }
    examples = {
        "en": (
            "What are your opening hours on Saturday?",
            "How many days do I have to return something?",
            "What can this service do?",
        ),
        "es": (
            "¿Cuál es el horario de la tienda los sábados?",
            "¿Cuántos días tengo para devolver una compra?",
            "¿Qué puede hacer este servicio?",
        ),
    }
    prompt = KNOWLEDGE
    settings_class = KnowledgeSettings

    def policy(self) -> Policy:
        """One folder, no network."""
        return Policy(folder=self.settings.folder)

    def build(self) -> Sequence[ToolMethod]:
        """One tool."""
        return [KnowledgeTools(self.outside, self.settings).search]

    def calls(self, question: str, language: Language) -> Sequence[Call]:
        """One search with the whole question."""
        return [Call("search", {"question": question})]

    def tell(self, findings: Sequence[Finding], language: Language) -> str:
        """The best passage, word for word."""
        facts = findings[0].facts
        if not facts["passages"]:
            return NOTHING_FOUND.say(language)
        return str(facts["passages"][0]["text"])
