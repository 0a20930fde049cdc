"""The currency agent: daily exchange rates, and amounts converted with them."""

from collections.abc import Sequence

from harness import Agent, ClarificationNeeded, Language, Policy, ToolCall, ToolMethod, ToolResult

from .prompt import CURRENCY, NO_RATE, RATES, WHICH_CURRENCY
from .reading import CurrencyReader
from .sample import CurrencySample
from .settings import CurrencySettings
from .tools import CurrencyTools


class CurrencyAgent(Agent[CurrencySettings]):
    """Converts between the currencies that the European Central Bank quotes."""

    description = {
        "en": "Exchange rates of the European Central Bank, and amounts converted with them.",
        "es": "Tipos de cambio del Banco Central Europeo y conversión de cantidades.",
    }
    keywords = {
        "en": """
            exchange rate, foreign exchange, rate, currency, convert, dollar, buck, euro, pound, sterling, yen, yuan, renminbi, franc, peso,
            rupee, real, krona, krone, crown, zloty, forint, lira, shekel, rand, baht, ringgit, ruble, naira, dinar, dirham, bitcoin,
            usd, eur, gbp, jpy, chf, cad, aud, cny, brl, mxn, cop, inr""",
        "es": """
            tipo de cambio, el cambio, cotización, cotiza, moneda, divisa, convertir, convierte, dólar, libra, euro, yen, yenes,
            yuan, yuanes, franco, peso, reales, rupia, corona, esloti, forinto, lira, rublo, naira, dinar, bitcoin,
            usd, eur, gbp, jpy, chf, cad, aud, cny, brl, mxn, cop, inr""",
    }
    examples = {
        "en": ("What is the euro worth today?", "Convert 250 USD to EUR", "How many pounds are 1,000 Swiss francs?"),
        "es": (
            "¿A cómo está el dólar?",
            "¿Cuánto son 100 euros en dólares?",
            "¿Cuántos euros son 2.500 pesos mexicanos?",
        ),
    }
    prompt = CURRENCY
    fake_source = CurrencySample()

    def policy(self) -> Policy:
        """The host of the rates."""
        return Policy(tools={"convert"}, hosts={str(self.settings.rates_url.host)})

    def tool_methods(self) -> Sequence[ToolMethod]:
        """One tool."""
        return [CurrencyTools(self.resources, self.settings).convert]

    def plan_without_model(self, question: str, language: Language) -> Sequence[ToolCall]:
        """One conversion for each amount, or else of the first currency, into the others.

        Raises:
            ClarificationNeeded: No currency is named, one that nobody knows, or an amount that cannot be read.
        """
        mentions = CurrencyReader().mentions(self.words.without_asker(question), language, question)
        if not mentions:
            raise ClarificationNeeded(WHICH_CURRENCY.format(language))
        amounts = [it for it in mentions if it.amount is not None] or mentions[:1]
        others = [it.code for it in mentions if it not in amounts]
        return [
            ToolCall(
                "convert",
                {
                    "base": base.code,
                    "targets": [code for code in others if code != base.code],
                    "amount": 1 if base.amount is None else base.amount,
                    "language": language,
                },
            )
            for base in amounts
        ]

    def render(self, findings: Sequence[ToolResult], language: Language) -> str:
        """The amount in each currency with the rates' date, and what the source does not have."""
        sentences = []
        for finding in findings:
            facts = finding.facts
            if facts["results"]:
                results = "; ".join(f"{each['amount']} {each['code']}" for each in facts["results"])
                known = {name: facts[name] for name in ("amount", "base", "date")}
                sentences.append(RATES.format(language, results=results, **known))
            if facts["not_available"]:
                missing, there = ", ".join(facts["not_available"]), ", ".join(facts["available"])
                sentences.append(NO_RATE.format(language, missing=missing, available=there))
        return " ".join(sentences)
