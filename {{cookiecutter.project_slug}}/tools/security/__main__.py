"""Runs every scan: `python -m tools.security [--osv URL]`, or `nox -s security`, which installs the tools.

0: nothing to mend. 1: findings, or a scan that could not look. 2: security.toml is wrong, or the tools
are missing. The report is var/security.json.
"""

import argparse
import importlib.util
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from .accepted import Policy, Unreadable
from .finding import Finding, Look, Scan
from .scans import OSV, Bandit, PipAudit, Safety, Secrets

ROOT: Final = Path(__file__).resolve().parents[2]
MISSING: Final = "bandit and pip-audit are not installed: run `nox -s security`"


class Session:
    """One run of all scans over one project folder."""

    def __init__(self, project: Path, scans: Sequence[Scan], today: date) -> None:
        """Runs `scans`; what security.toml accepts is held against `today`."""
        self._project = project
        self._scans = scans
        self._today = today

    def run(self) -> int:
        """Look, tell, write the report; the exit code.

        Raises:
            Unreadable: security.toml is wrong.
        """
        policy = Policy.read(self._project / "security.toml")
        looks = [scan.run() for scan in self._scans]
        failed = False
        for look in looks:
            counting = sum(policy.weighs(finding) for finding in look.findings)
            below = len(look.findings) - counting
            told = f", {below} findings below {policy.fail_from}" if below else ""
            outcome = "clean" if look.outcome == "found" and not counting else look.outcome
            print(f"{look.scan}: {outcome} ({look.about}{told})")
            failed |= look.outcome == "unproven"
            for finding in look.findings:
                fails, verdict = self._verdict(policy, finding)
                failed |= fails
                if fails or verdict:
                    print(f"  {finding}{verdict}")
        self._unused(policy, looks)
        report = self._project / "var" / "security.json"
        report.parent.mkdir(exist_ok=True)
        document = {"passed": not failed, "scans": [asdict(look) for look in looks]}
        report.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8", newline="\n")
        print(f"{'FAILED' if failed else 'Passed'}; every finding is in {report.name} in var/")
        return int(failed)

    def _verdict(self, policy: Policy, finding: Finding) -> tuple[bool, str]:
        """Whether the finding fails the session, and what is said behind it."""
        if not policy.weighs(finding):
            return False, ""
        accepted = policy.acceptance(finding)
        if accepted is None:
            return True, ""
        if accepted.until < self._today:
            return True, f" - was accepted until {accepted.until}: {accepted.reason}"
        return False, f" - accepted until {accepted.until}: {accepted.reason}"

    @staticmethod
    def _unused(policy: Policy, looks: Sequence[Look]) -> None:
        found = [finding for look in looks for finding in look.findings]
        for it in policy.accepted:
            if not any(it.covers(finding) for finding in found):
                print(
                    f"security.toml accepts {it.id} in {it.where}, which nothing finds: delete it"
                )


def main(arguments: Sequence[str], project: Path = ROOT) -> int:
    """Run the scans that the arguments describe; the exit code."""
    parser = argparse.ArgumentParser(prog="tools.security", description="All security scans.")
    address = os.environ.get("OSV_URL", OSV)
    parser.add_argument("--osv", default=address, help="another OSV service (OSV_URL, %(default)s)")
    chosen = parser.parse_args(arguments)
    if not all(importlib.util.find_spec(name) for name in ("bandit", "pip_audit")):
        print(MISSING, file=sys.stderr)
        return 2
    scans: Sequence[Scan] = [
        Bandit(project),
        PipAudit(project, chosen.osv),
        Safety(project, os.environ.get("SAFETY_API_KEY")),
        Secrets(project),
    ]
    try:
        return Session(project, scans, datetime.now(UTC).date()).run()
    except Unreadable as wrong:
        print(wrong, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
