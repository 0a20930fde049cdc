"""What one agent may use and reach. Deny by default: what is not named here is refused."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import SecretStr

from ..errors import ConfigurationError

Method = Literal["GET", "POST"]


@dataclass(frozen=True, slots=True, init=False)
class Policy:
    """An agent's allow-list: its tools before they run, its resources before they are touched."""

    tools: frozenset[str]
    """Tools that may run, by name."""

    requires_approval: frozenset[str]
    """Tools that change something elsewhere, in `tools` or here alone. A call of one runs once a person
    has approved it, with its arguments, over the API; until then nothing is done."""

    hosts: frozenset[str]
    """Host names (lower case, no port) that may be asked, such as `api.example.com`. One that has a
    private address must stand in DATA_PRIVATE_HOSTS too."""

    methods: frozenset[Method]
    """HTTP methods. `POST` is for sources that take their query as a document."""

    keys: Mapping[str, Mapping[str, SecretStr]] = field(repr=False)
    """Host -> header -> key, best a read-only one; it is sent to that host alone, and encrypted."""

    folder: Path | None
    """The one directory whose files may be read."""

    database: str | None = field(repr=False)
    """Where the tables lie: `csv:///folder`, `sqlite:///file`, or `postgresql://...` of a role that
    can read these tables and nothing else."""

    tables: frozenset[str]
    """Tables that may be read, lower case; in PostgreSQL `prices` is `public.prices`."""

    def __init__(
        self,
        *,
        tools: Iterable[str] = (),
        requires_approval: Iterable[str] = (),
        hosts: Iterable[str] = (),
        methods: Iterable[Method] = ("GET",),
        keys: Mapping[str, Mapping[str, SecretStr]] | None = None,
        folder: Path | None = None,
        database: str | None = None,
        tables: Iterable[str] = (),
    ) -> None:
        """Take names in any collection, such as `tools={"find_invoice"}`.

        Raises:
            ConfigurationError: One text stands where a collection of names is meant.
        """
        named = {
            "tools": tools,
            "requires_approval": requires_approval,
            "hosts": hosts,
            "methods": methods,
            "tables": tables,
        }
        if texts := [name for name, value in named.items() if isinstance(value, str)]:
            raise ConfigurationError([f'Policy: {it}: write ["{named[it]}"], a collection of names' for it in texts])
        values = {name: frozenset(value) for name, value in named.items()}
        for name, value in {**values, "keys": keys or {}, "folder": folder, "database": database}.items():
            object.__setattr__(self, name, value)
