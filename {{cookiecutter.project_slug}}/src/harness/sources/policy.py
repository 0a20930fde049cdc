"""What one agent may use and reach. Deny by default: what is not named here is refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import SecretStr

Method = Literal["GET", "POST"]


@dataclass(frozen=True, slots=True)
class Policy:
    """An agent's allow-list: its tools before they run, its resources before they are touched."""

    tools: frozenset[str] = frozenset()
    """Tools that may run, by name."""

    requires_approval: frozenset[str] = frozenset()
    """Tools that change something elsewhere, in `tools` or here alone. A call of one runs once a person
    has approved it, with its arguments, over the API; until then nothing is done."""

    hosts: frozenset[str] = frozenset()
    """Host names (lower case, no port) that may be asked, such as `api.example.com`. One that has a
    private address must stand in DATA_PRIVATE_HOSTS too."""

    methods: frozenset[Method] = frozenset({"GET"})
    """HTTP methods. `POST` is for sources that take their query as a document."""

    keys: Mapping[str, Mapping[str, SecretStr]] = field(default_factory=dict, repr=False)
    """Host -> header -> key, best a read-only one; it is sent to that host alone, and encrypted."""

    folder: Path | None = None
    """The one directory whose files may be read."""

    database: str | None = field(default=None, repr=False)
    """Where the tables lie: `csv:///folder`, `sqlite:///file`, or `postgresql://...` of a role that
    can read these tables and nothing else."""

    tables: frozenset[str] = frozenset()
    """Tables that may be read, lower case; in PostgreSQL `prices` is `public.prices`."""
