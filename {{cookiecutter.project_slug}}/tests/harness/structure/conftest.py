"""The two packages that every check here is run over: the service, and one with a planted fault."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from .source import Package

Plant = Callable[[Mapping[str, str]], Package]


@pytest.fixture(scope="session")
def package() -> Package:
    """The service's own package."""
    return Package.ours()


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    """Writes a small package: file name -> text."""
    return lambda files: Package.planted(tmp_path, files)
