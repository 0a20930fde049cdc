"""This service: its own parts, inside the harness. `docs` say what each may be."""

from typing import Final

from harness import Application

from .agents import AGENTS
from .flow import flow
from .prompts import MESSAGES, PROMPTS
from .settings import ServiceSettings

application: Final = Application(
    agents=AGENTS,
    flow=flow,
    settings=ServiceSettings,
    routers=[],  # REST routes; each wants a key, `requires(scope)` narrows it
    open_paths=[],  # those of them that want none
    middleware=[],
    lifespan=None,  # start and end
    before_run=None,  # a step before and after each run
    after_run=None,
    messages=MESSAGES,
    prompts=PROMPTS,
)

create_app: Final = application.create_app  # what a server process imports
