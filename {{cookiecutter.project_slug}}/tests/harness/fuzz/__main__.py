"""Requests made from the API's description: `python -m tests.harness.fuzz`, or `nox -s fuzz`, which installs schemathesis.

Starts the service twice, with authentication off and with keys, each with the embedded model, a store of its own and
sample data; `--host` asks one that runs already. The exit code is 1 when an answer was a 5xx or is not as the
description says: its status, content type, headers or form. The seed is fixed: a second run asks the same.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from harness.auth.api_key import NewKey
from harness.auth.principal import Scope
from tests.support.processes import PROJECT, serving

FOLDER: Final = PROJECT / ".nox" / "fuzz"
"""An environment of its own: its pytest plugins would slow every test down, 44 MB."""

MISSING: Final = "schemathesis is not installed: run `nox -s fuzz`, which installs the group `fuzz`"

# What fits the description is refused for what no schema can say, such as an Idempotency-Key of another message; that
# the good is accepted is what all other tests are for.
UNCHECKED: Final = "positive_data_acceptance"


def program() -> Path | None:
    """Where schemathesis is; None where `nox -s fuzz` has not put it."""
    places = (FOLDER / "bin" / "schemathesis", FOLDER / "Scripts" / "schemathesis.exe")
    return next((place for place in places if place.is_file()), None)


def ask(host: str, examples: int, *headers: str) -> subprocess.CompletedProcess[str]:
    """What it found on standard output; its exit code is 1 when that is something."""
    command = [
        *(str(program()), "run", f"{host}/openapi.json", "--no-color", "--no-shrink"),
        *("--checks", "all", "--exclude-checks", UNCHECKED, "--seed", "1"),
        *("--max-examples", str(examples), *(f"--header={header}" for header in headers)),
    ]
    with tempfile.TemporaryDirectory() as folder:  # it keeps what it found in the past
        done = subprocess.run(command, check=False, cwd=folder, stdout=subprocess.PIPE, encoding="utf-8")
    sys.stdout.write(done.stdout)
    sys.stdout.flush()
    return done


def main(arguments: Sequence[str]) -> int:
    """Run what the arguments describe; the exit code."""
    parser = argparse.ArgumentParser(prog="nox -s fuzz --", description="Requests from the API.")
    parser.add_argument("--host", help="a service that runs already, instead of two of its own")
    parser.add_argument("--header", action="append", default=[], help="NAME:VALUE, for it")
    parser.add_argument("--examples", type=int, default=20, help="for each operation (20)")
    chosen = parser.parse_args(arguments)
    if program() is None:
        sys.stderr.write(f"{MISSING}\n")
        return 2
    if chosen.host:
        return ask(chosen.host, chosen.examples, *chosen.header).returncode
    with tempfile.TemporaryDirectory() as folder:
        key, file = NewKey.make("fuzz", list(Scope), None), Path(folder, "keys")
        file.write_text(f"{key.record.line}\n", encoding="utf-8")
        with serving({}) as host:
            without_key = ask(host, chosen.examples)
        with serving({"AUTHENTICATION": "keys", "API_KEYS_FILE": str(file)}) as host:
            with_key = ask(host, chosen.examples, f"Authorization:Bearer {key.text}")
    return without_key.returncode or with_key.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
