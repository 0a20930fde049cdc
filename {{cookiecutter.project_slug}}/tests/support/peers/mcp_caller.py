"""One call of a tool of an MCP server, as it is on the wire."""

from collections.abc import Mapping
from typing import Any

import httpx2

URL = "/mcp"
MODERN, LEGACY = "2026-07-28", "2025-11-25"
META = "io.modelcontextprotocol/"


async def call(
    client: httpx2.AsyncClient,
    version: str,
    tool: str,
    arguments: Mapping[str, Any],
    key: str | None = None,
    *,
    headers: Mapping[str, str] | None = None,
) -> httpx2.Response:
    """What answers it in this version of the protocol; `key` names the message."""
    meta: dict[str, Any] = {"harness/idempotency_key": key} if key else {}
    sent = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": version, **(headers or {})}
    if version == MODERN:
        about = {"protocolVersion": version, "clientCapabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
        meta |= {META + name: value for name, value in about.items()}
        sent |= {"Mcp-Method": "tools/call", "Mcp-Name": tool}
    params = {"name": tool, "arguments": arguments, "_meta": meta}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    return await client.post(URL, json=body, headers=sent)
