"""How an owner names a server of tools: `MCPServer` among an agent's tools."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Final
from urllib.parse import urlsplit

from ...errors import ConfigurationError
from ...project import Extra

NAME: Final = re.compile(r"[a-z][a-z0-9_-]*")
"""It names a file."""


@dataclass(frozen=True, slots=True)
class MCPServer:
    """A server of tools, among the `tools` of an agent or given to `harness.tools`.

    The policy says which of its tools there are (`tools`, `requires_approval`), that its host may be asked
    (`hosts`) and with which key (`keys`, such as an `Authorization` header). Each tool is what a person has
    reviewed: `mcp pin` writes them to `src/app/mcp/<name>.json`. One that the server has changed since, or no
    longer has, is refused; what it says of others, and its instructions, is never read.
    """

    name: str
    """Lower-case identifier, in messages, sources and as the name of the file of its tools."""

    url: str = ""
    """Where it answers (streamable HTTP), such as `https://tools.example/mcp`."""

    command: Sequence[str] = ()
    """Program and arguments of a local one, instead of `url`; started for each call, without this service's
    environment. MCP_STDIO must be on."""

    title: str = ""
    """What an answer calls it as a source; by default its name."""

    def __post_init__(self) -> None:
        """Refuse what names no server.

        Raises:
            ConfigurationError: The name or the address is none, there are both `url` and `command`, or the
                extra is missing.
        """
        object.__setattr__(self, "command", tuple(self.command))  # as a key of dictionaries
        if problem := self._problem():
            raise ConfigurationError([f"MCPServer({self.name!r}): {problem}"])

    def _problem(self) -> str:
        if not NAME.fullmatch(self.name):
            return 'give it a name such as "orders": small letters, digits, - and _'
        if bool(self.url) == bool(self.command):
            return 'give its url="...", or the command=[...] of a local one'
        parts = urlsplit(self.url or "https://-")
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            return (
                "url: write an address of https, without a user; a key stands in the policy: keys={host: {header: ...}}"
            )
        return "" if find_spec("mcp") else Extra.remedy("mcp")

    @property
    def host(self) -> str:
        """What logs and metrics call it: its host, or its name where it runs here."""
        return urlsplit(self.url).hostname or self.name
