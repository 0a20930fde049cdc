"""The one declaration of who may read and write what: whole, and of things that there are."""

import pytest

from harness.auth.principal import Scope
from harness.runtime.access import Access

pytestmark = pytest.mark.checklist("INT-3")


def test_every_part_of_a_conversation_has_a_scope_and_is_somebodys() -> None:
    parts = Access.scopes()
    assert set(parts.values()) <= set(Scope)
    granted = set().union(*(it.reads | it.writes for it in Access.endpoints().values()))
    assert granted - {"records"} == set(parts) - {"records"}  # which only some endpoints keep


def test_a_decision_needs_a_person_s_scope() -> None:
    assert Access.scopes()["decision"] == Scope.APPROVE


def test_every_key_that_a_node_reads_is_given_or_written_by_one() -> None:
    nodes = Access.nodes().values()
    given = {"message", "messages", "task", "before"}
    assert set().union(*(it.reads for it in nodes)) <= given.union(*(it.writes for it in nodes))
