"""The four scans. Each asks its tool as a process of its own and reads what it wrote."""

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from tools.scan import Scan as FileScan

from .finding import Finding, Look, Severity

OSV: Final = "https://api.osv.dev/v1/query"

TIMEOUT_SECONDS: Final = 15
"""Longest wait for one answer of a service, seconds: pip-audit's own."""

KNOWN_BAD: Final = ("pyyaml", "5.3")
"""A version with an advisory since 2020 (GHSA-6757-jp84-gxfx): a service that knows of none has no
knowledge of others either."""

SAFETY: Final = "safety==3.8.1"
"""In an environment of its own, and only with a key: it brings 50 MB that nothing else needs."""


class Bandit:
    """Calls that are often wrong, in our own code; tests and their planted faults are left out."""

    NAME: Final = "bandit"
    PLACES: Final = ("src", "tools", "noxfile.py")

    def __init__(self, project: Path) -> None:
        self._project = project

    def run(self) -> Look:
        """Look at every Python file of the service and its tools."""
        places = [place for place in self.PLACES if (self._project / place).exists()]
        command = [sys.executable, "-m", "bandit", "--quiet", "--format", "json", "-r", *places]
        done = subprocess.run(
            command, check=False, cwd=self._project, capture_output=True, text=True
        )
        try:
            told = json.loads(done.stdout)
        except json.JSONDecodeError:
            return Look(self.NAME, "unproven", f"it broke off: {_last_line(done.stderr)}")
        files = len(told["metrics"]) - 1  # one entry is the sum
        if told["errors"] or files < 1:
            broken = ", ".join(error["filename"] for error in told["errors"]) or "there is no file"
            return Look(self.NAME, "unproven", f"it could not read everything: {broken}")
        return Look.at(self.NAME, f"{files} files", [*map(self._finding, told["results"])])

    @staticmethod
    def _finding(result: Mapping[str, Any]) -> Finding:
        severity: Severity = {"HIGH": "high", "MEDIUM": "medium"}.get(  # type: ignore[assignment]
            result["issue_severity"], "low"
        )
        name = Path(result["filename"]).as_posix().removeprefix("./")
        return Finding(
            result["test_id"], f"{name}:{result['line_number']}", result["issue_text"], severity
        )


class PipAudit:
    """Known vulnerabilities of the locked versions, as an OSV service knows them."""

    NAME: Final = "pip-audit"

    def __init__(self, project: Path, address: str) -> None:
        """Ask the service at `address`, which answers as https://google.github.io/osv.dev/post-v1-query says."""
        self._project = project
        self._address = address

    def run(self) -> Look:
        """Look at every lock file; an advisory has no severity that counts less than high."""
        locks = sorted(self._project.glob("requirements*.txt"))
        if not locks:
            return Look(self.NAME, "unproven", "there is no lock file: run `nox -s lock`")
        if ignorance := self._ignorance():
            return Look(self.NAME, "unproven", ignorance)
        with ThreadPoolExecutor() as pool:  # each asks a hundred questions, one by one
            answers = [*pool.map(self._ask, locks)]
        told: list[Mapping[str, Any]] = []
        for lock, answer in zip(locks, answers, strict=True):
            if isinstance(answer, str):
                return Look(self.NAME, "unproven", f"{lock.name}: {answer}")
            told += answer
        found = {(it.where, it.id): it for package in told for it in self._findings(package)}
        versions = {(package["name"], package["version"]) for package in told}
        about = f"{len(versions)} locked versions in {len(locks)} files"
        return Look.at(self.NAME, about, [found[key] for key in sorted(found)])

    def _ignorance(self) -> str:
        """Why the service cannot be believed; empty when it can."""
        name, version = KNOWN_BAD
        query = {"package": {"name": name, "ecosystem": "PyPI"}, "version": version}
        try:
            told = self._post(query)
        except (OSError, ValueError) as failed:
            return f"{self._address} gave no answer, so nothing is known: {failed}"
        if not isinstance(told, dict) or not told.get("vulns"):
            return f"{self._address} knows nothing of {name} {version}, which is vulnerable"
        return ""

    def _post(self, query: Mapping[str, Any]) -> Any:
        body, head = json.dumps(query).encode(), {"Content-Type": "application/json"}
        request = urllib.request.Request(self._address, body, head)  # noqa: S310 - the operator's
        wait = TIMEOUT_SECONDS
        with urllib.request.urlopen(request, timeout=wait) as it:  # noqa: S310  # nosec B310
            return json.load(it)

    def _ask(self, lock: Path) -> Sequence[Mapping[str, Any]] | str:
        """What is known of every package of a lock file; a text tells why nothing is.

        One file at a time: in one run pip-audit breaks off where two files lock two versions of a package.
        """
        with tempfile.TemporaryDirectory() as scratch:
            output = Path(scratch) / "audit.json"
            command = [
                *(sys.executable, "-m", "pip_audit"),
                *("--requirement", lock.name),
                *("--disable-pip", "--require-hashes", "--progress-spinner", "off"),
                *("--vulnerability-service", "osv", "--osv-url", self._address),
                *("--timeout", str(TIMEOUT_SECONDS), "--cache-dir", str(Path(scratch) / "cache")),
                *("--format", "json", "--output", str(output)),
            ]
            done = subprocess.run(
                command, check=False, cwd=self._project, capture_output=True, text=True
            )
            if not output.exists():
                return f"it broke off: {_last_line(done.stderr)}"
            packages: list[Mapping[str, Any]] = json.loads(output.read_text())["dependencies"]
        if left := [it["name"] for it in packages if "version" not in it]:
            return f"it left out {', '.join(left)}"
        return packages or "it holds no package"

    @staticmethod
    def _findings(package: Mapping[str, Any]) -> Iterator[Finding]:
        where = f"{package['name']} {package['version']}"
        for it in package["vulns"]:
            mended = ", ".join(it["fix_versions"]) or "no version yet"
            text = f"mended in {mended}: {it['description'][:160]}"
            yield Finding(it["id"], where, text, "high", it.get("aliases", ()))


class Safety:
    """Known vulnerabilities once more, from Safety's own database; it answers account holders only."""

    NAME: Final = "safety"
    FOUND: Final = 64
    """Its exit code for vulnerabilities."""

    def __init__(self, project: Path, key: str | None) -> None:
        self._project = project
        self._key = key

    def run(self) -> Look:
        """Look at the project with the key of an account; without one it is not asked."""
        if not self._key:
            return Look(self.NAME, "not asked", "no SAFETY_API_KEY")
        command = [sys.executable, "-m", "uv", "tool", "run", "--isolated", "--from", SAFETY]
        command += ["safety", "--stage", "cicd", "scan", "--output", "screen", "--target", "."]
        environment = {**os.environ, "SAFETY_API_KEY": self._key}
        done = subprocess.run(
            command, check=False, cwd=self._project, env=environment, capture_output=True, text=True
        )
        if done.returncode == 0:
            return Look(self.NAME, "clean", "the project")
        if done.returncode == self.FOUND:
            told = " ".join(done.stdout.split())[-600:]
            return Look.at(self.NAME, "the project", [Finding("safety", "the project", told)])
        return Look(
            self.NAME, "unproven", f"it broke off: {_last_line(done.stderr or done.stdout)}"
        )


class Secrets:
    """Keys, passwords and merge markers in the files that git knows: the scan of the commit hook."""

    NAME: Final = "secrets"

    def __init__(self, project: Path) -> None:
        self._project = project

    def run(self) -> Look:
        """Look at every file."""
        scan = FileScan(self._project)
        files = scan.files()
        if not files:
            return Look(self.NAME, "unproven", "there is no file")
        found = [line.rpartition(": ") for line in scan.findings(files)]
        findings = [Finding("secret", where, kind) for where, _, kind in found]
        return Look.at(self.NAME, f"{len(files)} files", findings)


def _last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "no word")
