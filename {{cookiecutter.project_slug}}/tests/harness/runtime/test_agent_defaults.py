"""An agent of a few lines: what it need not say, and how it answers all the same.

Tests of `agent_defaults`, `agent_tools` and `tool_result`.
"""

import threading
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pytest
from langchain_core.tools import tool

from harness.errors import ClarificationNeeded, ConfigurationError, PolicyViolation
from harness.prompts.language import LANGUAGES
from harness.run_context import RunContext
from harness.runtime.agent import Agent, Source, ToolResult
from harness.runtime.planner import RulesPlanner
from harness.settings import Configuration, Settings
from harness.sources.policy import Policy
from harness.sources.resources import SourceConnections
from tests.conftest import Door


def due(number: str) -> Mapping[str, Any]:
    """When an invoice is due."""
    return {"due": f"2026-01-{number[-1]}5"}


@tool
def vat(country: str) -> str:
    """The rate of VAT in a country."""
    return f"{country}: 21 %"


class Billing(Agent):
    """As small as one can be, with a tool of each kind."""

    name = "billing"
    description = "Invoices and payments of our customers."
    prompt = "Answer questions about invoices. Amounts are in $."
    policy = Policy(tools={"find_invoice", "due", "vat"})
    tools = (due, vat)
    threads: ClassVar[list[str]] = []

    def find_invoice(self, number: str) -> ToolResult:
        """Look up one invoice by its number."""
        self.threads.append(f"{threading.current_thread().name} {RunContext.current().run_id}")
        rows = [{"what": "paper", "price": 4.5}, {"what": "ink", "price": None}]
        return ToolResult({"number": number[-1], "rows": rows, "tags": ["new", "big"]}, [Source(title="ERP", url="e")])

    async def erase(self, number: str) -> str:
        """Erase an invoice."""
        pytest.fail(f"{number} ran")


WRITTEN: Any = Billing
"""As it is read: its texts per language."""


def built(agent: type[Agent[Any]]) -> Agent[Any]:
    return agent(SourceConnections(Settings()))


def changed(**attributes: Any) -> type[Agent[Any]]:
    return type("Changed", (Billing,), {"__module__": "app.agents.changed.agent", **attributes})


def test_all_that_is_not_said_has_a_value() -> None:
    agent = built(Billing)
    assert WRITTEN.description == dict.fromkeys(LANGUAGES, "Invoices and payments of our customers.")
    assert Billing.keywords["en"] == ("billing", "invoices", "payments", "customers")
    assert Billing.examples == {"en": (), "es": ()}
    assert type(agent.settings) is Configuration
    assert [it.name for it in agent.toolset] == ["find_invoice", "due", "vat"]
    assert (Billing.grounding, Billing.history_turns) == ("facts", 3)


def test_one_text_is_a_prompt_in_every_language() -> None:
    assert WRITTEN.prompt.render("es") == "Answer questions about invoices. Amounts are in $."
    assert WRITTEN.prompt.name == "billing"
    other = changed(prompt="Another.")
    assert len({WRITTEN.prompt.version, other.prompt.version, changed(prompt="More.").prompt.version}) == 3


def test_texts_per_language_are_taken_as_they_are_and_the_first_for_one_that_lacks() -> None:
    agent = changed(
        prompt={"es": "Responde."}, description={"es": "Facturas."}, examples=("¿Factura 7?", "The invoice?")
    )
    assert agent.prompt.render("en") == agent.prompt.render("es") == "Responde."
    assert agent.description["en"] == "Facturas."
    assert agent.examples == {"en": ("The invoice?",), "es": ("¿Factura 7?",)}
    assert changed(examples={"es": ["¿7?"]}).examples == {"en": (), "es": ("¿7?",)}


@pytest.mark.parametrize(
    ("module", "name"),
    [("app.agents.billing", "billing"), ("app.agents.invoices.agent", "invoices"), ("agent", "agent")],
)
def test_its_name_is_that_of_its_file_or_folder(module: str, name: str) -> None:
    small = {"__module__": module, "description": "x", "prompt": "y"}
    agent: Any = type("Small", (Agent,), small)
    assert agent.name == agent.prompt.name == name
    assert type("Named", (agent,), {"name": "other"}).name == "other"  # type: ignore[attr-defined]


def test_its_words_send_a_question_to_it() -> None:
    rules = RulesPlanner([built(Billing)], 4)
    assert rules.plan("Show the invoice 7", "en", [])["verdict"] == "work"
    assert rules.plan("Tell me a question", "en", [])["verdict"] != "work"


async def test_a_tool_that_may_block_runs_in_a_thread_with_the_runs_context() -> None:
    Billing.threads.clear()
    with RunContext.scope(run_id="run-1"):
        await built(Billing).answer_without_model("7", "en")
    [ran] = Billing.threads
    assert ran.endswith(" run-1")
    assert not ran.startswith(threading.main_thread().name)


async def test_without_a_model_the_first_tool_is_asked_and_its_facts_are_a_list() -> None:
    text, findings = await built(Billing).answer_without_model("Invoice 7", "en")
    assert text == "number: 7\nrows what: paper\nrows price: 4.5\nrows what: ink\ntags: new, big\n(ERP)"
    assert len(findings) == 1


@pytest.mark.parametrize(
    ("allowed", "facts"), [({"due"}, {"due": "2026-01-75"}), ({"vat"}, {"result": "Invoice 7: 21 %"})]
)
async def test_functions_and_tools_of_langchain_are_tools_too(allowed: set[str], facts: Mapping[str, str]) -> None:
    agent = built(changed(policy=Policy(tools=allowed)))
    text, [finding] = await agent.answer_without_model("Invoice 7", "en")
    assert finding.facts == facts
    assert text == f"due: {facts['due']}" if "due" in facts else text == facts["result"]


async def test_what_the_policy_does_not_name_is_refused_whatever_it_is_made_of() -> None:
    agent = built(changed(policy=Policy(tools={"find_invoice"})))
    refused = next(it for it in agent.toolset if it.name == "vat")
    with pytest.raises(PolicyViolation):
        await refused.ainvoke({"country": "ES"})
    assert "erase" not in [it.name for it in agent.toolset]


async def test_every_result_is_evidence_of_the_run() -> None:
    found: list[ToolResult] = []
    with RunContext.scope(evidence=found):
        _, findings = await built(Billing).answer_without_model("Invoice 7", "en")
    assert found == findings


class NoText(Agent):
    """Its tools want more than one text, or write."""

    name = "numbers"
    description = {"en": "Sums.", "es": "Sumas."}
    prompt = "Add."
    policy = Policy(tools={"add"}, requires_approval={"book"})

    async def add(self, one: int, two: int) -> int:
        """Add."""
        return one + two

    async def book(self, text: str) -> str:
        """Book."""
        return text


class Poet(Agent):
    """Has no tool at all."""

    name = "poet"
    description = "Poems."
    prompt = "Write."
    grounding = "open"


@pytest.mark.parametrize(
    ("agent", "told"), [(NoText, "I can help with this: Sums."), (Poet, "this takes a language model")]
)
async def test_what_no_tool_can_be_asked_is_asked_back(agent: type[Agent[Any]], told: str) -> None:
    with pytest.raises(ClarificationNeeded) as needed:
        await built(agent).answer_without_model("Hello", "en")
    assert told in needed.value.question


async def test_a_tool_that_takes_nothing_is_called_where_none_takes_a_text() -> None:
    class Hours(NoText):
        name = "hours"
        policy = Policy(tools={"add", "hours"})

        def hours(self) -> Sequence[str]:
            """When we are there."""
            return ["9", "17"]

    text, _ = await built(Hours).answer_without_model("When?", "en")
    assert text == "9, 17"


async def test_nothing_found_is_said_and_a_long_list_is_cut() -> None:
    agent = built(Billing)
    assert agent.render([ToolResult({})], "es") == "No he encontrado nada de eso."
    lines = agent.render([ToolResult({"row": [{"n": n} for n in range(99)]})], "en").splitlines()
    assert (len(lines), lines[39], lines[40]) == (41, "row n: 39", "…")


class Undescribed(NoText):
    """A tool without a docstring."""

    async def add(self, one: int, two: int) -> int:
        return one + two


@pytest.mark.parametrize(
    ("agent", "told"),
    [
        (
            changed(policy=Policy()),
            r"agents/changed/agent\.py: its tools are due, vat, find_invoice, erase, its policy",
        ),
        (
            changed(policy=Policy(tools={"find"})),
            r"its policy names find; say which may run: policy = Policy\(tools=\{",
        ),
        (changed(policy=Policy(tools={"render"})), "its policy names render"),
        (type("Empty", (Poet,), {"grounding": "facts"}), "its tools are none, its policy names none; give it tools"),
        (changed(grounding="fact"), r"agent\.py: grounding is 'fact'; write one of facts, sources, open"),
        (Undescribed, "the tool add: .*; write typed arguments of JSON types, and a docstring"),
    ],
)
def test_the_start_names_what_is_wrong_and_what_to_do(agent: type[Agent[Any]], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        built(agent)


@pytest.mark.parametrize("wrong", [3, "", " ", {}, {"en": 3}])
@pytest.mark.parametrize("field", ["description", "prompt"])
def test_what_is_no_text_is_named_where_the_class_is_written(field: str, wrong: object) -> None:
    with pytest.raises(ConfigurationError, match=rf"agents/changed/agent\.py: Changed\.{field} is .*; write a text"):
        changed(**{field: wrong})


def test_a_text_in_place_of_names_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r'Policy: tools: write \["find"\], a collection of names'):
        Policy(tools="find")


async def test_it_answers_over_http_and_is_described(door: Door) -> None:
    client = await door.open(agents=[Billing])
    reply = (await client.post("/v1/chat", json={"message": "Show the invoice 7"})).json()
    assert reply["answer"].startswith("number: 7\n")
    assert [source["title"] for source in reply["sources"]] == ["ERP"]
    document = (await client.get("/openapi.json")).json()
    assert document["components"]["schemas"]["ChatRequest"]["example"] == {"message": WRITTEN.description["en"]}
