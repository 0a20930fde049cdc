"""How the agents work together: who has the conversation keeps it."""

from typing import Final

from harness import OwnGraph

from .travel_handoffs import graph

flow: Final = OwnGraph(graph)
