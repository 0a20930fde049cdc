"""A node sees and changes only what it is granted, and the graph has the documented shape."""

from collections.abc import Mapping
from typing import Any

import pytest
from langgraph.runtime import Runtime

from harness.models.factory import LLMFactory
from harness.run_context import RunContext
from harness.runtime.graph import GraphBuilder, Step
from harness.runtime.state import READS, WRITES, State
from harness.settings import Settings
from harness.sources.resources import SourceConnections
from tests.support.agents import TEST_AGENTS


class Meddler:
    def __init__(self, changes: Mapping[str, Any]) -> None:
        self.changes = changes
        self.seen: State = {}

    async def __call__(self, state: State, runtime: Runtime[RunContext]) -> Mapping[str, Any]:
        self.seen = state
        return self.changes


@pytest.mark.checklist("INT-3")
async def test_a_node_is_shown_only_what_it_may_read() -> None:
    meddler = Meddler({"plan": {}})
    await Step({"plan": meddler})(
        State(question="q", language="en", message="raw", answer="a"), Runtime()
    )
    assert meddler.seen == {"question": "q", "language": "en"}


@pytest.mark.checklist("INT-3")
async def test_a_node_that_writes_what_is_not_its_own_is_stopped() -> None:
    with pytest.raises(PermissionError) as stopped:
        await Step({"plan": Meddler({"plan": {}, "answer": "mine"})})(State(), Runtime())
    assert "node plan may not write ['answer']" in str(stopped.value)


@pytest.mark.checklist("INT-3")
def test_every_node_of_the_graph_declares_what_it_reads_and_writes(settings: Settings) -> None:
    connectors = SourceConnections(settings)
    builder = GraphBuilder(settings, LLMFactory(settings), [a(connectors) for a in TEST_AGENTS])
    assert set(builder.nodes) == set(READS) == set(WRITES)
    keys = set(State.__annotations__)
    assert set().union(*READS.values(), *WRITES.values()) <= keys


def test_the_graph_has_the_documented_shape(settings: Settings) -> None:
    graph = GraphBuilder(settings, LLMFactory(settings), []).compile(None).get_graph()
    edges = {(edge.source, edge.target) for edge in graph.edges}
    assert edges == {
        ("__start__", "plan"),
        ("plan", "work"),
        ("plan", "audit"),
        ("work", "write"),
        ("work", "audit"),
        ("write", "audit"),
        ("audit", "__end__"),
        ("audit", "approve"),
        ("approve", "audit"),
    }
