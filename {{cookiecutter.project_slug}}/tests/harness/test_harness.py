"""The public interface: each name is there and explained, and asking for one imports no more than it needs."""

import subprocess
import sys
from pathlib import Path

import pytest

import harness

SOURCE = Path(harness.__file__)


def test_every_public_name_is_there_and_explained() -> None:
    explained = {
        line.split('"')[1]
        for line in SOURCE.read_text(encoding="utf-8").splitlines()
        if line.startswith('    "') and '",  # ' in line
    }
    assert explained == set(harness.__all__)
    assert all(getattr(harness, name) is not None for name in harness.__all__)


def test_a_name_that_is_not_public_is_refused() -> None:
    with pytest.raises(AttributeError, match="Secretary"):
        _ = harness.Secretary


def test_the_command_line_explains_itself_without_the_service() -> None:
    script = (
        "import sys, harness\n"
        "try: harness.main(['--help'])\n"
        "except SystemExit: pass\n"
        "assert not {'langgraph', 'fastapi', 'pydantic'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=SOURCE.parents[1])
