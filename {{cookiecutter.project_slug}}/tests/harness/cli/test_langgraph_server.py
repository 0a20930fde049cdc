"""What `langgraph.json` names is there, and what it closes is closed."""

import json
import logging
from importlib import import_module
from pathlib import Path

import pytest
from fastapi import FastAPI
from langgraph_sdk import Auth

PROJECT = Path(__file__).parents[3]


def test_langgraph_json_names_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "memory://")
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    text = (PROJECT / "langgraph.json").read_text(encoding="utf-8")
    config = json.loads(text)
    named = [config["http"]["app"], config["auth"]["path"], config["graphs"]["agent"]]
    modules, names = zip(*(it.split(":") for it in named), strict=True)
    app, auth, graph = (getattr(import_module(module), name) for module, name in zip(modules, names, strict=True))
    assert isinstance(app, FastAPI)
    assert isinstance(auth, Auth)
    assert callable(graph)
    closed = ("store", "mcp", "a2a", "webhooks", "ui", "meta")
    assert {name: config["http"][f"disable_{name}"] for name in closed} == dict.fromkeys(closed, True)
    assert config["auth"]["disable_studio_auth"]
    assert config["env"]["LANGSMITH_TRACING"] == "false"


def test_the_servers_packages_are_in_no_requirement_of_the_services() -> None:
    """Their licence, and the older versions that they want, stay in an environment of their own, locked by hash."""
    own = [PROJECT / name for name in ("pyproject.toml", "tools/tested.txt")]
    lock = (PROJECT / "tools" / "requirements-langgraph.txt").read_text(encoding="utf-8")
    for name in ("langgraph-api", "langgraph-runtime-inmem", "langgraph-cli"):
        assert not [it.name for it in own if name in it.read_text(encoding="utf-8")]
        assert f"\n{name}==" in lock
    pins = [it for it in lock.splitlines() if "==" in it]
    assert all(it.endswith("\\") for it in pins)  # hashes follow
    assert "://" not in lock
