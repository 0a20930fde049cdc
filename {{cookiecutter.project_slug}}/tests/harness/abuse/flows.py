"""The flows that the attacks go through, and a model that plays their roles."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from langchain.agents import create_agent

import harness
from harness import Agent, Handoffs, OwnGraph, Parallel, Supervisor
from harness.runtime.flows import Flow
from harness.settings import Settings
from harness.sources.resources import SourceConnections
from tests.harness.abuse.obedient_model import ObedientModel
from tests.harness.abuse.world import GuardedVault
from tests.support.peers.openai_replies import Reply, Request, Text, ToolCalls
from tests.support.vault import ElsewhereAgent

AGENTS: Sequence[type[Agent[Any]]] = (GuardedVault, ElsewhereAgent)


class OneRole(ObedientModel):
    """Obeys in whichever role it plays: there is no planner, and no writer beside."""

    def __call__(self, request: Request) -> Reply:
        asked = [str(it["content"]) for it in request.messages if it["role"] == "user"]
        attack = replace(self._attacks[int(self.NUMBER.findall(" ".join(asked))[-1])], role="agent")
        if reply := self._obeyed(request, asked, attack):
            self.reached.add(attack.number)
            return reply
        return self._work(request, attack)


class Superior(ObedientModel):
    """A supervisor that asks the vault and repeats it; orders for a planner or a writer are for the supervisor."""

    def __call__(self, request: Request) -> Reply:
        asked = [str(it["content"]) for it in request.messages if it["role"] == "user"]
        attack = self._attacks[int(self.NUMBER.findall(" ".join(asked))[-1])]
        is_superior = "ask_vault" in request.tools
        has_asked = request.messages[-1]["role"] == "tool"
        is_ready = attack.role != "writer" or has_asked
        if is_superior is (attack.role != "agent") and is_ready:
            reply = self._obeyed(request, asked, replace(attack, role="writer" if is_superior else "agent"))
            if reply:
                self.reached.add(attack.number)
                return reply
        if is_superior and has_asked:
            return Text(" ".join(request.results))
        return ToolCalls([("ask_vault", {"request": asked[-1]})]) if is_superior else self._work(request, attack)


def own_graph(settings: Settings) -> Flow:
    """One agent of LangChain's with the vault's tools."""
    vault = GuardedVault(SourceConnections(settings))
    policy = harness.Policy(tools={"fetch", "read", "query"}, requires_approval={"erase"})
    offered = harness.tools(vault.fetch, vault.read, vault.query, vault.erase, policy=policy, agent="vault")
    return OwnGraph(create_agent(harness.model("agent"), offered, system_prompt=vault.prompt.text["en"]))


FLOWS: Mapping[str, tuple[Callable[[Settings], Flow], type[ObedientModel]]] = {
    "parallel": (lambda _: Parallel(), ObedientModel),
    "supervisor": (lambda _: Supervisor(), Superior),
    "handoffs": (lambda _: Handoffs(), OneRole),
    "own graph": (own_graph, OneRole),
}
"""What makes each flow, and the model that plays its roles."""
