"""How the agents work together. `docs/prototypes.md` says which flow to take when.

`Parallel()`: a plan, agents side by side, one answer. `Supervisor()`: a model asks agents as tools.
`Handoffs()`: one agent holds the conversation and hands it on. `OwnGraph(graph)`: a graph of your own.
"""

from typing import Final

from harness import Parallel

flow: Final = Parallel()
