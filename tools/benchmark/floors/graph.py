"""``b``: four nodes that do nothing, one after the other: what LangGraph costs before anything is done in it."""

from collections.abc import Mapping
from typing import Any, TypedDict

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph


class State(TypedDict, total=False):
    """One message walks through."""

    question: str
    plan: str
    work: str
    answer: str


class Step:
    """A node that writes one key."""

    def __init__(self, key: str) -> None:
        self._key = key

    async def __call__(self, state: State) -> Mapping[str, Any]:
        return {self._key: state["question"]}


def build(store: BaseCheckpointSaver[Any] | None) -> CompiledStateGraph[State, None, State, State]:
    builder = StateGraph(State)
    steps = {"admit": "question", "plan": "plan", "work": "work", "write": "answer"}
    before = START
    for name, key in steps.items():
        builder.add_node(name, Step(key).__call__)
        builder.add_edge(before, name)
        before = name
    builder.add_edge(before, END)
    return builder.compile(checkpointer=store)
