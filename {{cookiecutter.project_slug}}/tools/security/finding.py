"""What a scan brought to light, and how it ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

Severity = Literal["low", "medium", "high"]
SEVERITIES: Final[Sequence[Severity]] = ("low", "medium", "high")

Outcome = Literal["clean", "found", "unproven", "not asked"]
"""`unproven`: the scan could not look, so nothing is known; it fails the session. `not asked`: it
needs something that was not given, and says what."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that somebody has to mend, or to accept in security.toml."""

    id: str
    """The rule or the advisory, such as `B602` or `GHSA-...`."""

    where: str
    """A file with its line, or a package with its version."""

    text: str

    severity: Severity = "high"

    aliases: Sequence[str] = ()
    """The same advisory's other names."""

    def __str__(self) -> str:
        return f"{self.where}: {self.id} ({self.severity}) {self.text}"


@dataclass(frozen=True, slots=True)
class Look:
    """How one scan ended."""

    scan: str
    outcome: Outcome
    about: str
    """What was looked at; or why it was not."""

    findings: Sequence[Finding] = ()

    @classmethod
    def at(cls, scan: str, about: str, findings: Sequence[Finding]) -> "Look":
        """A scan that looked."""
        return cls(scan, "found" if findings else "clean", about, findings)


class Scan(Protocol):
    """One scan of the project folder."""

    def run(self) -> Look:
        """Look; never raises because a tool or a service failed."""
        ...
