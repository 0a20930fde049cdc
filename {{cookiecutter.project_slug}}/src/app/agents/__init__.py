"""The agents. One folder each, found by itself: `agents/<name>/agent.py` with one `Agent` class.

Add one with `make agent name=billing`; take one away by deleting its folder and its tests.
"""

from typing import Final

from harness import Registry

AGENTS: Final = Registry(__name__, __path__).find()
"""Every agent of this service."""
