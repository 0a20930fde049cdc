"""Tests of `endpoint`, `bindings` and `caller`: how the SDK is tamed."""

import subprocess
import sys
from pathlib import Path

import pytest
from starlette.routing import Mount

from harness.application import Application
from harness.endpoints.a2a.endpoint import A2AEndpoint
from harness.http.endpoint import ASGIRoute
from harness.settings import Settings
from tests.support.agents import TEST_AGENTS

pytestmark = pytest.mark.checklist("INT-2")


def test_each_route_asks_for_the_scope_and_nothing_is_mounted() -> None:
    endpoint = A2AEndpoint(Application(TEST_AGENTS), Settings())
    routes = endpoint.routes()
    assert all(isinstance(it, ASGIRoute) for it in routes)
    assert not [it for it in routes if isinstance(it, Mount)]
    open_ones = [it.path for it in routes if isinstance(it, ASGIRoute) and it.scope is None]
    assert open_ones == list(endpoint.public_paths()) == ["/.well-known/agent-card.json"]
    paths = {it.path for it in routes if isinstance(it, ASGIRoute)}
    assert {it for it in paths if it.startswith("/a2a/rest/")} | {"/a2a", "/a2a/", *open_ones} == paths
    assert "/a2a/rest/tasks/{id}:cancel" in paths


def test_the_sdk_makes_no_spans_of_its_own() -> None:
    script = """
import os
from harness.endpoints.a2a import endpoint
from a2a.utils import telemetry
assert not telemetry.otel_enabled
assert os.environ["OTEL_INSTRUMENTATION_A2A_SDK_ENABLED"] == "false"
"""
    project = Path(__file__).parents[4]
    subprocess.run([sys.executable, "-c", script], check=True, cwd=project, env={"PYTHONPATH": "src:."})
