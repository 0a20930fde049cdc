"""Signs somebody up for a course: asks for what is missing, remembers the person."""

from typing import TypedDict

from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.config import get_stream_writer
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore
from langgraph.types import interrupt
from pydantic import BaseModel

import harness

model = harness.model("agent")


class Wish(BaseModel):
    """What the person said."""

    course: str | None = None
    birth_year: int | None = None


class Person(TypedDict, total=False):
    birth_year: int


class Desk(MessagesState):
    wish: dict
    person: Person


async def read(state: Desk, config: RunnableConfig, *, store: BaseStore) -> dict:
    who = config["configurable"].get("user_id", "nobody")
    known = await store.aget(("people", who), "profile")
    wish = await model.with_structured_output(Wish).ainvoke(state["messages"])
    return {"wish": wish.model_dump(), "person": dict(known.value) if known else {}}


async def complete(state: Desk, config: RunnableConfig, *, store: BaseStore) -> dict:
    person, wish = dict(state["person"]), dict(state["wish"])
    year = person.get("birth_year") or wish.get("birth_year")
    while not year:
        said = interrupt("In which year were you born?")
        year = int(said) if str(said).strip().isdigit() else None
    person["birth_year"] = year
    who = config["configurable"].get("user_id", "nobody")
    await store.aput(("people", who), "profile", dict(person))
    return {"person": person}


async def confirm(state: Desk) -> dict:
    get_stream_writer()({"progress": "signing up", "percent": 50})
    course = state["wish"].get("course") or "the next course"
    return {"messages": [AIMessage(f"You are signed up for {course}, born in {state['person']['birth_year']}.")]}


builder = StateGraph(Desk)
builder.add_node(read)
builder.add_node(complete)
builder.add_node(confirm)
builder.add_edge(START, "read")
builder.add_edge("read", "complete")
builder.add_edge("complete", "confirm")
graph = builder.compile(checkpointer=InMemorySaver(), store=InMemoryStore())
