"""Runs every scan: `python -m tests.harness.security [OSV URL]`, or `nox -s security`, which installs the tools.

0: nothing to mend. 1: findings, or a scan that could not look. 2: security.toml is wrong, or the tools are missing.
The report is var/security.json.
"""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import tomllib
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from tools import ROOT, UV, scan

MISSING = "bandit and pip-audit are not installed: run `nox -s security`"
OSV = "https://api.osv.dev/v1/query"
# It has an advisory since 2020 (GHSA-6757-jp84-gxfx): a service that knows of none has no knowledge of others either.
KNOWN_BAD = {"package": {"name": "pyyaml", "ecosystem": "PyPI"}, "version": "5.3"}
# In an environment of its own, and only with a key: it brings 50 MB that nothing else needs.
SAFETY = ("safety==3.8.1", "safety", "--stage", "cicd", "scan", "--output", "screen")
SAFETY_FOUND = 64
SEVERITIES = ("low", "medium", "high")


class Unproven(Exception):
    """A scan could not look, so nothing is known; the text says why."""


class Unreadable(Exception):
    """security.toml is wrong; the text says what to mend."""


class Finding(NamedTuple):
    """One thing that somebody has to mend, or to accept in security.toml for a while."""

    id: str
    where: str
    text: str
    severity: str = "high"
    aliases: Sequence[str] = ()

    def is_of(self, entry: Mapping[str, Any]) -> bool:
        """True when the entry of security.toml speaks of it, by any of its names."""
        names = (self.id, *self.aliases)
        return entry["id"] in names and self.where.startswith(entry["where"])


Scan = Callable[[Path], Iterator[Finding]]


def bandit(project: Path) -> Iterator[Finding]:
    """Calls that are often wrong, in the project's own code."""
    places = [place for place in ("src", "tools", "noxfile.py") if (project / place).exists()]
    done = _run(project, sys.executable, "-m", "bandit", "-q", "-f", "json", "-r", *places)
    told = _read(done.stdout, done.stderr)
    if told["errors"] or set(told["metrics"]) == {"_totals"}:
        raise Unproven(f"it could not read everything: {told['errors'] or 'there is no file'}")
    for it in told["results"]:
        where = f"{Path(it['filename']).as_posix().removeprefix('./')}:{it['line_number']}"
        yield Finding(it["test_id"], where, it["issue_text"], it["issue_severity"].lower())


def pip_audit(project: Path, address: str) -> Iterator[Finding]:
    """Known vulnerabilities of every locked version, as an OSV service knows them."""
    head = {"Content-Type": "application/json"}
    query = urllib.request.Request(address, json.dumps(KNOWN_BAD).encode(), head)
    try:
        with urllib.request.urlopen(query, timeout=15) as it:
            known = json.load(it).get("vulns")
    except (OSError, ValueError) as failed:
        raise Unproven(f"{address} gave no answer, so nothing is known: {failed}") from None
    if not known:
        raise Unproven(f"{address} knows nothing of pyyaml 5.3, which is vulnerable")
    with tempfile.TemporaryDirectory() as scratch:
        locked, output = f"{scratch}/requirements.txt", Path(scratch, "audit.json")
        export = ("export", "-q", "--frozen", "--all-groups", "--all-extras", "--no-emit-project")
        done = _run(project, UV, *export, "--output-file", locked)
        if done.returncode:
            raise Unproven(f"uv.lock cannot be read: {done.stderr[-200:]}")
        audit = ("--disable-pip", "--require-hashes", "--format=json", "--progress-spinner=off")
        service = ("--vulnerability-service=osv", f"--osv-url={address}")
        files = (f"--requirement={locked}", f"--output={output}", f"--cache-dir={scratch}/cache")
        done = _run(project, sys.executable, "-m", "pip_audit", *audit, *service, *files)
        told = _read(output.read_text() if output.exists() else "", done.stderr)["dependencies"]
    if not told or (left := [it["name"] for it in told if "version" not in it]):
        raise Unproven(f"it left out {', '.join(left) if told else 'everything'}")
    for package in told:
        for it in package["vulns"]:
            text = f"mended in {', '.join(it['fix_versions']) or 'no version yet'}: "
            where = f"{package['name']} {package['version']}"
            text += it["description"][:160]
            yield Finding(it["id"], where, text, "high", it.get("aliases", ()))


def safety(project: Path) -> Iterator[Finding]:
    """Known vulnerabilities once more, from Safety's own database, which answers account holders only."""
    done = _run(project, UV, "tool", "run", "--isolated", "--from", *SAFETY, "--target", ".")
    if done.returncode == SAFETY_FOUND:
        yield Finding("safety", "the project", " ".join(done.stdout.split())[-600:])
    elif done.returncode:
        raise Unproven(f"it broke off: {(done.stderr or done.stdout)[-200:]}")


def secrets(project: Path) -> Iterator[Finding]:
    """Keys, passwords and merge markers in the files that git knows: the scan of the commit hook."""
    if not (files := scan.files(project)):
        raise Unproven("there is no file")
    for line in scan.findings(project, files):
        where, _, kind = line.rpartition(": ")
        yield Finding("secret", where, kind)


def _run(project: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=False, cwd=project, capture_output=True, text=True)


def _read(document: str, error: str) -> Any:
    try:
        return json.loads(document)
    except ValueError:
        raise Unproven(f"it broke off: {error[-200:]}") from None


def policy(file: Path) -> tuple[int, Sequence[Mapping[str, Any]]]:
    """From which severity on a finding fails, and what is accepted.

    Raises:
        Unreadable: It is no TOML, or an entry lacks something.
    """
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        fail_from = SEVERITIES.index(table.get("fail_from", "medium"))
    except ValueError as wrong:
        raise Unreadable(f"{file.name}: {wrong}; fail_from is low, medium or high") from None
    for it in (entries := table.get("accepted", [])):
        if not (it.get("id") and it.get("where") and str(it.get("reason", "")).strip()):
            raise Unreadable(f"{file.name}: {it.get('id', '?')} lacks id, where or reason")
        if not isinstance(it.get("until"), date):
            raise Unreadable(f"{file.name}: {it['id']} lacks a day: until = 2030-01-31")
    return fail_from, entries


def session(project: Path, scans: Mapping[str, Scan], today: date) -> int:
    """Look, tell, write the report; the exit code. `Unreadable`: security.toml is wrong."""
    fail_from, accepted = policy(project / "security.toml")
    report: dict[str, Any] = {}
    failed, everything = False, []
    for name, look in scans.items():
        try:
            found = [*look(project)]
        except Unproven as reason:
            report[name], failed = f"unproven ({reason})", True
            print(f"{name}: {report[name]}")
            continue
        severe = [it for it in found if SEVERITIES.index(it.severity) >= fail_from]
        print(f"{name}: {len(severe) or 'clean'} ({len(found)} with what is below `fail_from`)")
        for it in severe:
            entries = [entry for entry in accepted if it.is_of(entry)]
            last = max(entries, key=itemgetter("until"), default=None)
            is_in_force = last is not None and last["until"] >= today
            failed |= not is_in_force
            told = "accepted" if is_in_force else "was accepted"
            why = f" - {told} until {last['until']}: {last['reason']}" if last else ""
            print(f"  {it.where}: {it.id} ({it.severity}) {it.text}{why}")
        report[name] = [it._asdict() for it in found]
        everything += severe
    for entry in accepted:
        if not any(it.is_of(entry) for it in everything):
            print(f"security.toml accepts {entry['id']} in {entry['where']}, which nothing finds")
    (project / "var").mkdir(exist_ok=True)
    document = json.dumps({"passed": not failed, "scans": report}, indent=2)
    (project / "var" / "security.json").write_text(document, encoding="utf-8")
    print(f"{'FAILED' if failed else 'Passed'}; every finding is in var/security.json")
    return int(failed)


def main(arguments: Sequence[str], project: Path = ROOT) -> int:
    """Run every scan; the exit code."""
    if not all(importlib.util.find_spec(name) for name in ("bandit", "pip_audit")):
        print(MISSING, file=sys.stderr)
        return 2
    address = arguments[0] if arguments else os.environ.get("OSV_URL", OSV)
    scans: dict[str, Scan] = {"bandit": bandit, "secrets": secrets}
    scans["pip-audit"] = lambda folder: pip_audit(folder, address)
    if os.environ.get("SAFETY_API_KEY"):
        scans["safety"] = safety
    else:
        print("safety: not asked (no SAFETY_API_KEY)")
    try:
        return session(project, scans, datetime.now(UTC).date())
    except Unreadable as wrong:
        print(wrong, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
