"""What a `langgraph.json` of the tests names: the objects of the project's own, with one agent more; and no hooks."""

from importlib import import_module
from typing import Any, Final

from langgraph_sdk import Auth

from harness.http.langgraph_server.hooks import Hooks

import_module("tests.harness.platforms.served")
SERVER: Final[Any] = import_module("harness.cli.langgraph_server")

app, auth, graph = SERVER.app, SERVER.auth, SERVER.graph

without_hooks: Final = Auth()
"""Knows who calls, and lets everybody do everything."""

without_hooks.authenticate(Hooks(app).authenticate)
