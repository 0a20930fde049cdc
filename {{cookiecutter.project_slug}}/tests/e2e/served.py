"""`python -m tests.e2e.served` is `python -m app serve`, with the agents of the tests.

A program of its own, so that the end-to-end test drives the real command in a real process and
yet depends on none of the agents that you keep or delete.
"""

import sys

import app.agents
from app.cli import main
from tests.agents_for_tests import TEST_AGENTS

if __name__ == "__main__":
    setattr(app.agents, "AGENTS", TEST_AGENTS)  # noqa: B010 - it is final to everyone else
    sys.exit(main(["serve"]))
