"""How the agents work together: one desk that asks for what is missing."""

from typing import Final

from harness import OwnGraph

from .sign_up import graph

flow: Final = OwnGraph(graph, grounding="open")
