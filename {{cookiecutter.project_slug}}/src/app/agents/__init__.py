"""The agents, found by themselves: `agents/<name>.py` or `agents/<name>/agent.py` with one `Agent` class.

Add one with `make agent name=billing`; take one away by deleting its files and its tests.
"""

from typing import Final

from harness import Registry

AGENTS: Final = Registry(__name__, __path__).find()
"""Every agent of this service."""
