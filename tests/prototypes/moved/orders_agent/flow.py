"""How the agents work together: the order desk, a graph of its own."""

from typing import Final

from harness import OwnGraph

from .orders_agent import graph

flow: Final = OwnGraph(graph)
