"""The packages that the checks here are run over: the harness, and small ones with a planted fault."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import pytest

from .source import Package


class Plant(Protocol):
    """Writes a small package: file name -> text."""

    def __call__(self, files: Mapping[str, str], house: str = "harness") -> Package: ...


@pytest.fixture(scope="session")
def package() -> Package:
    """The harness: what these rules are gates over. Over `app` they are advice."""
    return Package.of_project("harness")


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    """A folder for planted packages."""

    def write(files: Mapping[str, str], house: str = "harness") -> Package:
        return Package.planted(tmp_path, files, house)

    return write
