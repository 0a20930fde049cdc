"""A run around what a test calls, with one part of its context."""

from collections.abc import Iterator
from contextlib import contextmanager

from harness.models.call_recorder import Usage
from harness.run_context import RunContext
from harness.storage.persistence import PersistenceStatus


@contextmanager
def run_with_usage() -> Iterator[Usage]:
    usage = Usage()
    with RunContext.scope(usage=usage):
        yield usage


@contextmanager
def run_that_degrades() -> Iterator[PersistenceStatus]:
    status = PersistenceStatus()
    with RunContext.scope(persistence=status):
        yield status
