"""Plan, look each step up side by side, report. Its state has no messages."""

import operator
from typing import Annotated, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.types import Send
from pydantic import BaseModel, Field

import harness

model = harness.model("agent")

LIBRARY = {
    "battery": "A 500 Wh battery lasts about 60 km on flat roads (test report 12, 2025).",
    "brakes": "Hydraulic disc brakes stop from 25 km/h in 4.1 m when dry, 5.3 m when wet (test report 9, 2024).",
    "weight": "The touring model weighs 23.4 kg with its battery (data sheet, 2025).",
}


class Steps(BaseModel):
    """What to look up."""

    steps: list[str] = Field(description="Short search terms, at most four.")


class Research(TypedDict, total=False):
    topic: str
    steps: list[str]
    notes: Annotated[list[str], operator.add]
    report: str


async def plan(state: Research) -> Research:
    drafted = await model.with_structured_output(Steps).ainvoke(f"Plan what to look up about: {state['topic']}")
    return {"steps": drafted.steps[:4]}


async def look_up(state: dict) -> Research:
    found = [text for word, text in LIBRARY.items() if word in state["step"].lower()]
    return {"notes": found or [f"nothing on {state['step']}"]}


async def report(state: Research) -> Research:
    notes = "\n".join(state["notes"])
    written = await model.ainvoke(f"Write five sentences on {state['topic']} from these notes only:\n{notes}")
    return {"report": written.text}


builder = StateGraph(Research)
builder.add_node(plan)
builder.add_node(look_up)
builder.add_node(report)
builder.add_edge(START, "plan")
builder.add_conditional_edges("plan", lambda s: [Send("look_up", {"step": it}) for it in s["steps"]], ["look_up"])
builder.add_edge("look_up", "report")
builder.add_edge("report", END)
graph = builder.compile()
