"""A run around what a test calls."""

from collections.abc import Iterator
from contextlib import contextmanager

from harness.run_context import RunContext
from harness.storage.persistence import PersistenceStatus


@contextmanager
def run_that_degrades() -> Iterator[PersistenceStatus]:
    """A run that goes on without the store when it fails."""
    status = PersistenceStatus()
    with RunContext.scope(persistence=status):
        yield status
