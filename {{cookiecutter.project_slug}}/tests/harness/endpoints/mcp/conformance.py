"""The protocol's own conformance suite: `python -m tests.harness.endpoints.mcp.conformance`, or `nox -s mcp`.

Starts the service with the agents of the tests, authentication off (the suite sends no key), and runs both sets of
requirements against it; `--url` asks one that runs already. Needs Node 22 or newer and npm, which brings the suite
once into .nox/mcp (52 MB). `conformance.toml` says what may fail; the exit code is 1 when anything else did, 2
when the service or Node is not there.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx2

from tests.support.processes import PROJECT, serving

FOLDER: Final = PROJECT / ".nox" / "mcp"
BASELINE: Final = Path(__file__).with_suffix(".toml")
OLDEST_NODE: Final = 22
SERVED: Final = ("tests.support.served",)


class Check(NamedTuple):
    """One check of one scenario of a revision."""

    scenario: str
    id: str
    status: str

    @property
    def name(self) -> str:
        return f"{self.scenario}/{self.id}"


class Baseline:
    """What may fail."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.package: str = document["package"]
        self.revisions: list[str] = document["revisions"]
        self._whole: list[str] = document["whole"]
        self._reasons: Mapping[str, str] = document["expected"]

    def problems(self, checks: Sequence[Check]) -> Iterator[str]:
        """What is not as it says, over all revisions."""
        failed = [it.name for it in checks if it.status == "FAILURE"]
        for name in failed:
            if not any(fnmatchcase(name, it) for it in self._reasons):
                yield f"failed: {name}"
        for pattern in self._reasons:
            if not any(fnmatchcase(name, pattern) for name in failed):
                yield f"no longer fails, take it out of {BASELINE.name}: {pattern}"
        for scenario in self._whole:
            told = {it.status for it in checks if it.scenario == scenario}
            if "SUCCESS" not in told or "FAILURE" in told:
                yield f"did not pass whole: {scenario}"


class Suite:
    """The suite, installed."""

    def __init__(self, node: str, package: str) -> None:
        """Install `package` where it is not.

        Raises:
            LookupError: There is no Node that it needs, or no npm.
        """
        self._node = shutil.which(node) or ""
        told = self._node and subprocess.run([self._node, "--version"], capture_output=True, check=True).stdout.decode()
        if not told or int(told.lstrip("v").partition(".")[0]) < OLDEST_NODE:
            raise LookupError(f"no Node {OLDEST_NODE}: {told.strip() or node}; name one with --node")
        self._program = FOLDER / "node_modules" / package.rpartition("@")[0] / "dist" / "index.js"
        stamp = FOLDER / "package"
        if not stamp.exists() or stamp.read_text() != package:
            npm = shutil.which("npm")
            if not npm:
                raise LookupError("no npm, which brings the suite")
            FOLDER.mkdir(parents=True, exist_ok=True)
            subprocess.run([npm, "install", "--no-audit", "--no-fund", "--prefix", str(FOLDER), package], check=True)
            stamp.write_text(package)

    def run(self, url: str, revision: str, folder: Path) -> list[Check]:
        """Each check of one revision."""
        command = [self._node, str(self._program), "server", "--url", url, "--requirements", revision]
        subprocess.run([*command, "-o", str(folder)], check=False, stdout=subprocess.DEVNULL)
        return list(self._read(folder))

    @staticmethod
    def _read(folder: Path) -> Iterator[Check]:
        for file in sorted(folder.glob("server-*/checks.json")):
            scenario = file.parent.name.removeprefix("server-").rpartition("T")[0][: -len("-2026-11-30")]
            for check in json.loads(file.read_text(encoding="utf-8")):
                yield Check(scenario, check["id"], check["status"])


def answers(url: str) -> bool:
    """Whether an MCP server is there: with none, the suite reports 45 checks as passed."""
    body = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    headers = {"Accept": "application/json, text/event-stream"}
    try:
        return httpx2.post(url, json=body, headers=headers).is_success
    except httpx2.TransportError:
        return False


def check(url: str, suite: Suite, baseline: Baseline) -> int:
    """Run all revisions; the exit code."""
    checks = []
    for revision in baseline.revisions:
        if not answers(url):
            sys.stderr.write(f"{url} does not answer\n")
            return 2
        with tempfile.TemporaryDirectory() as folder:
            found = suite.run(url, revision, Path(folder))
        passed, failed = ([it.status for it in found].count(status) for status in ("SUCCESS", "FAILURE"))
        sys.stdout.write(f"{revision}: {passed} checks passed, {failed} failed\n")
        checks += found
    problems = list(baseline.problems(checks))
    sys.stdout.write("".join(f"{it}\n" for it in problems) or "as expected\n")
    return int(bool(problems))


@contextmanager
def served(url: str | None) -> Iterator[str]:
    """The address to ask."""
    if url:
        yield url
        return
    with serving({"AUTHENTICATION": "off", "ENDPOINTS": "mcp"}, module=SERVED) as address:
        yield f"{address}/mcp"


def main(arguments: Sequence[str]) -> int:
    """Run what the arguments describe; the exit code."""
    parser = argparse.ArgumentParser(prog="nox -s mcp --", description="The conformance suite of MCP.")
    parser.add_argument("--url", help="a service that runs already, such as http://127.0.0.1:8000/mcp")
    parser.add_argument("--node", default="node", help=f"the program, {OLDEST_NODE} or newer")
    chosen = parser.parse_args(arguments)
    baseline = Baseline(tomllib.loads(BASELINE.read_text(encoding="utf-8")))
    try:
        suite = Suite(chosen.node, baseline.package)
    except LookupError as missing:
        sys.stderr.write(f"{missing}\n")
        return 2
    with served(chosen.url) as url:
        return check(url, suite, baseline)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
