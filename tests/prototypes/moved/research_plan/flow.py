"""How the agents work together: plan, look up side by side, report."""

from typing import Final

from harness import OwnGraph

from .research_plan import graph

flow: Final = OwnGraph(graph, input="topic", output="report", evidence=["notes"])
