"""How the agents work together: a writer and a critic; what they write is theirs."""

from typing import Final

from harness import OwnGraph

from .post_writer import graph

flow: Final = OwnGraph(graph, writers=["write"], grounding="open")
