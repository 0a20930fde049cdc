"""Requests made from the API's own description: `python -m tools.fuzz`, or `nox -s fuzz`, which installs schemathesis.

Starts the service twice, with authentication off and with keys, each with the embedded model, a
store of its own and sample data. The exit code is 1 when an answer was a 5xx or is not as the
description says: its status, content type, headers or form. The seed is fixed: a second run asks
the same.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from harness.auth.api_key import NewKey
from harness.auth.principal import Scope
from tools.load import PROJECT, SETTINGS, ServiceFailed, service

FOLDER: Final = PROJECT / ".nox" / "fuzz"
"""An environment of its own: its pytest plugins would slow every test down, 44 MB."""

MISSING: Final = "schemathesis is not installed: run `nox -s fuzz`, which installs the group `fuzz`"

SEED: Final = "1"

UNCHECKED: Final = "positive_data_acceptance"
"""What fits the description is refused for what no schema can say, such as an Idempotency-Key of
another message; that the good is accepted is what all other tests are for."""


class FuzzTest:
    """One run of schemathesis against one address."""

    def __init__(self, host: str, examples: int, headers: Mapping[str, str]) -> None:
        """Send so many examples to each operation of `host`, beside the ones at the edges."""
        self._host = host
        self._examples = examples
        self._headers = headers

    @staticmethod
    def program() -> Path | None:
        """Where schemathesis is; None where `nox -s fuzz` has not put it."""
        places = (FOLDER / "bin" / "schemathesis", FOLDER / "Scripts" / "schemathesis.exe")
        return next((place for place in places if place.is_file()), None)

    def run(self, program: Path) -> subprocess.CompletedProcess[str]:
        """What it found on standard output; its exit code is 1 when that is something."""
        headers = [
            word for name, value in self._headers.items() for word in ("-H", f"{name}:{value}")
        ]
        command = [
            *(str(program), "run", f"{self._host}/openapi.json", "--no-color", "--no-shrink"),
            *("--checks", "all", "--exclude-checks", UNCHECKED, "--seed", SEED),
            *("--max-examples", str(self._examples), *headers),
        ]
        with tempfile.TemporaryDirectory() as folder:  # it keeps what it found in the past
            return subprocess.run(
                command,
                check=False,
                cwd=folder,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
            )


class Rounds:
    """The service without and with authentication."""

    def __init__(self, examples: int, program: Path) -> None:
        self._examples = examples
        self._program = program

    def run(self) -> int:
        """The exit code of both."""
        with tempfile.TemporaryDirectory() as folder:
            key = NewKey.make("fuzz", list(Scope), None)
            file = Path(folder, "keys")
            file.write_text(f"{key.kept.line}\n", encoding="utf-8")
            keys = {"AUTHENTICATION": "keys", "API_KEYS_FILE": str(file)}
            codes = [
                self._round({}, {}),
                self._round(keys, {"Authorization": f"Bearer {key.text}"}),
            ]
        return max(codes)

    def _round(self, settings: Mapping[str, str], headers: Mapping[str, str]) -> int:
        with service({**SETTINGS, **settings}) as host:
            done = FuzzTest(host, self._examples, headers).run(self._program)
        print(done.stdout, flush=True)
        return done.returncode


def main(arguments: Sequence[str]) -> int:
    """Run what the arguments describe; the exit code."""
    parser = argparse.ArgumentParser(
        prog="tools.fuzz", description="Requests from the API's description."
    )
    parser.add_argument("--host", help="a service that runs already, instead of two of its own")
    parser.add_argument("--header", action="append", default=[], help="NAME:VALUE, for it")
    parser.add_argument("--examples", type=int, default=20, help="for each operation (20)")
    chosen = parser.parse_args(arguments)
    program = FuzzTest.program()
    if program is None:
        print(MISSING, file=sys.stderr)
        return 2
    if chosen.host:
        headers = dict(header.split(":", 1) for header in chosen.header)
        done = FuzzTest(chosen.host, chosen.examples, headers).run(program)
        print(done.stdout)
        return done.returncode
    try:
        return Rounds(chosen.examples, program).run()
    except ServiceFailed as failure:
        print(failure, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
