"""A writer and a critic, at most three rounds. No tools."""

from typing import Literal

from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command

import harness

model = harness.model("agent")
WRITER = SystemMessage("You write short posts for a company blog. Answer with the post only.")
CRITIC = SystemMessage("You judge a post. Answer GOOD, or one sentence that says what to change.")


class Post(MessagesState):
    rounds: int


async def write(state: Post) -> Command[Literal["judge"]]:
    post = await model.ainvoke([WRITER, *state["messages"]])
    return Command(goto="judge", update={"messages": [post], "rounds": state.get("rounds", 0) + 1})


async def judge(state: Post) -> Command[Literal["write", "__end__"]]:
    verdict = await model.ainvoke([CRITIC, HumanMessage(state["messages"][-1].text)])
    if "GOOD" in verdict.text or state["rounds"] >= 3:
        last = state["messages"][-1].text
        return Command(goto="__end__", update={"messages": [AIMessage(last)], "rounds": 0})
    return Command(goto="write", update={"messages": [HumanMessage(verdict.text, name="critic")]})


builder = StateGraph(Post)
builder.add_node(write)
builder.add_node(judge)
builder.add_edge(START, "write")
graph = builder.compile()
