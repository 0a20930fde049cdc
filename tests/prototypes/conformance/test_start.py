"""What the start refuses of a prototype that was not moved, and what it replaces: one line each."""

import sys
from importlib import import_module, util
from pathlib import Path
from types import ModuleType

import pytest

from app.agents import AGENTS
from harness import Application, OwnGraph
from harness.errors import ConfigurationError
from tests.prototypes.conftest import NAME, Served
from tests.prototypes.scripts import Case

UNGUARDED = {
    "orders_agent": ["find_order", "cancel_order"],
    "desk_supervisor": ["ask_calendar", "ask_mail"],
    "travel_handoffs": ["search_flights", "hand_to_hotels", "search_hotels", "hand_to_flights"],
}
OWN = {"orders_agent": ["InMemorySaver"], "sign_up": ["InMemorySaver", "InMemoryStore"]}


@pytest.fixture
def original(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The prototype as it was brought."""
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    place = Path(__file__).with_name("originals") / f"{NAME}.py"
    spec = util.spec_from_file_location(f"original_{NAME}", place)
    assert spec
    assert spec.loader
    module = util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(NAME not in UNGUARDED, reason="it has no tools")
async def test_a_tool_outside_of_a_policy_is_refused_at_the_start_with_the_remedy(
    served: Served, original: ModuleType
) -> None:
    served.application = Application(agents=AGENTS, flow=OwnGraph(original.graph))
    with pytest.raises(ConfigurationError) as refused:
        await served.start()
    for tool in UNGUARDED[NAME]:
        assert f"`{tool}` stands in no policy" in str(refused.value)
        assert f"harness.tools({tool}, " in str(refused.value)


@pytest.mark.skipif(NAME in UNGUARDED, reason="the start refuses it")
async def test_a_model_of_its_own_is_never_asked(served: Served, case: Case, original: ModuleType) -> None:
    flow = import_module("app.flow").flow
    changed = OwnGraph(original.graph, input=flow.input, output=flow.output, grounding=flow.grounding)
    served.application = Application(agents=AGENTS, flow=changed)
    await served.start()
    reply = await served.ask(case.question)
    assert served.server.requests == []
    assert reply["degraded"]
    assert [it["kind"] for it in served.lines.named("unguarded")] == ["model"]
    assert "harness.model" in served.lines.text


@pytest.mark.skipif(NAME not in OWN, reason="it has no store of its own")
async def test_a_store_of_its_own_is_replaced_and_the_log_says_so(served: Served) -> None:
    await served.start()
    said = served.lines.named("replaced")
    assert [it["own"] for it in said] == OWN[NAME]
