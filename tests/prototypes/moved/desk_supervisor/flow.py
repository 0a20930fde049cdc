"""How the agents work together: a supervisor, its specialists as tools."""

from typing import Final

from harness import OwnGraph

from .desk_supervisor import graph

flow: Final = OwnGraph(graph)
