"""What one agent may reach. Deny by default: what is not named here is refused."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Policy:
    """An agent's allow-list, held against every request before it leaves."""

    hosts: frozenset[str] = frozenset()
    """Host names (lower case, no port) that may be asked with GET, such as `api.example.com`."""

    folder: Path | None = None
    """The one directory whose files may be read."""
