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
