"""This service: its agents, inside the harness."""

from typing import Final

from harness import Application

from .agents import AGENTS

application: Final = Application(agents=AGENTS)

create_app: Final = application.create_app
"""What a server process imports: `uvicorn --factory app.main:create_app`."""
