"""Findings that are accepted for a while: security.toml, each with its reason and its last day."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, Self

from .finding import SEVERITIES, Finding, Severity


class Unreadable(Exception):
    """security.toml is wrong; the text says what to mend."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """One accepted finding."""

    id: str
    where: str
    """The finding's place begins with this."""

    reason: str
    until: date

    def covers(self, finding: Finding) -> bool:
        """True for its finding, under any of its names."""
        return self.id in (finding.id, *finding.aliases) and finding.where.startswith(self.where)


FAIL_FROM: Final[Severity] = "medium"
"""Where security.toml says nothing. Below it bandit names every child process: a guess at best."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What fails the session."""

    fail_from: Severity = FAIL_FROM
    accepted: Sequence[Acceptance] = ()

    @classmethod
    def read(cls, file: Path) -> Self:
        """Read security.toml; without the file nothing is accepted.

        Raises:
            Unreadable: It is no TOML, or an entry lacks something.
        """
        try:
            table = tomllib.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        except tomllib.TOMLDecodeError as broken:
            raise Unreadable(f"{file.name} is no TOML: {broken}") from None
        severity = table.get("fail_from", FAIL_FROM)
        if severity not in SEVERITIES:
            raise Unreadable(f"{file.name}: fail_from is {severity!r}, use {', '.join(SEVERITIES)}")
        entries = table.get("accepted", [])
        return cls(severity, [cls._acceptance(file.name, entry) for entry in entries])

    @staticmethod
    def _acceptance(file: str, entry: dict[str, Any]) -> Acceptance:
        missing = [key for key in ("id", "where", "reason") if not str(entry.get(key, "")).strip()]
        if missing or not isinstance(entry.get("until"), date):
            lacks = (
                ", ".join([*missing, *([] if "until" in entry else ["until"])]) or "a date in until"
            )
            raise Unreadable(
                f"{file}: the entry {entry.get('id', '?')} lacks {lacks}; "
                'write id, where, reason = "..." and until = 2030-01-31'
            )
        return Acceptance(entry["id"], entry["where"], entry["reason"], entry["until"])

    def weighs(self, finding: Finding) -> bool:
        """True for a finding that is severe enough to fail the session."""
        return SEVERITIES.index(finding.severity) >= SEVERITIES.index(self.fail_from)

    def acceptance(self, finding: Finding) -> Acceptance | None:
        """The entry that names the finding, in force or not; the one that holds longest."""
        covering = [it for it in self.accepted if it.covers(finding)]
        return max(covering, key=lambda it: it.until, default=None)
