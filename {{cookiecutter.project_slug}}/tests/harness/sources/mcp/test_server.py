"""Tests of `server` and `pins`: how a server is declared, and the file that a person has reviewed."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import harness
from harness.errors import ConfigurationError
from harness.sources.mcp import server as declared
from harness.sources.mcp.pins import PinnedTool, Pins
from harness.sources.mcp.server import MCPServer

pytestmark = pytest.mark.checklist("INT-1")

TOOL = PinnedTool.of({"name": "find", "description": "Find it.", "inputSchema": {"type": "object"}, "icons": [1]})


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ({"name": "../orders", "url": "https://shop.example/mcp"}, "give it a name such as"),
        ({"name": "orders"}, r"give its url=.*or the command"),
        ({"name": "orders", "url": "https://shop.example", "command": ["run"]}, "give its url="),
        ({"name": "orders", "url": "file:///etc"}, "url: write an address"),
        ({"name": "orders", "url": "https://ana:planted@shop.example"}, "a key stands in the policy"),
    ],
)
def test_what_names_no_server_is_refused(parts: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem) as refusal:
        MCPServer(**parts)
    assert "planted" not in str(refusal.value)


def test_without_the_extra_a_server_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(declared, "find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match=r"install the extra \[mcp\]"):
        MCPServer("orders", url="https://shop.example/mcp")


def test_the_sdk_is_not_imported_where_no_agent_declares_a_server() -> None:
    script = "import sys, harness.service, harness.runtime.guarded_tools; assert 'mcp' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(harness.__file__).parents[1])


def test_a_pin_holds_what_a_model_decides_by_whatever_its_order() -> None:
    assert TOOL.definition == {"name": "find", "description": "Find it.", "inputSchema": {"type": "object"}}
    again = PinnedTool.of(dict(reversed([*TOOL.definition.items()])) | {"annotations": None})
    assert again.digest == TOOL.digest
    hints = [PinnedTool.of({**TOOL.definition, "annotations": it}) for it in ({"a": 1}, {"a": 1, "b": None})]
    assert hints[0].digest == hints[1].digest != TOOL.digest


def test_what_is_written_is_read_again() -> None:
    pins = Pins("shop")
    pins.save(Pins.written([TOOL]))
    assert pins.load() == {"find": TOOL}


def test_the_file_is_the_owners() -> None:
    assert Pins("shop").place == "src/app/mcp/shop.json"


def test_signs_that_nobody_sees_stand_as_codes_and_mean_the_same() -> None:
    hidden = "Find\u202e it\U000e0041.\x1b[2J Año\ufe0f\u3164\u2800\U000e0100"
    tool = PinnedTool.of({**TOOL.definition, "description": hidden})
    text = Pins.written([tool])
    assert "Año" in text
    assert all(sign.isprintable() or sign == "\n" for sign in text)
    assert not set(text) & set(hidden.partition("Año")[2])
    pins = Pins("shop")
    pins.save(text)
    assert pins.load()["find"].description == hidden


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "there is no such file"),
        ("{", "it cannot be read"),
        ("[]", "it cannot be read"),
        ('{"tools": [{"name": "find"}]}', "it cannot be read"),
        (Pins.written([TOOL]).replace("Find it", "Find all"), "find was changed by hand"),
    ],
)
def test_a_file_that_was_not_reviewed_is_refused(text: str | None, problem: str) -> None:
    pins = Pins("shop")
    if text is not None:
        pins.save(text)
    with pytest.raises(ConfigurationError, match=f"src/app/mcp/shop.json: {problem}.*mcp pin` writes it"):
        pins.load()


def test_a_hash_is_that_of_the_canonical_json() -> None:
    text = json.dumps(dict(TOOL.definition), sort_keys=True, separators=(",", ":"))
    assert hashlib.sha256(text.encode()).hexdigest() == TOOL.digest
