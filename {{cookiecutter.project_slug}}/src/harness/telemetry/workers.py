"""Adds up what several worker processes count: each of them answers for all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar, Self

from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead


@dataclass(frozen=True, slots=True)
class Workers:
    """The folder in which processes of one service count.

    What a process that died has counted stays in the sum; its gauges do not.
    Figures of a single process (memory, CPU, garbage collection) are not in it.
    """

    VARIABLE: ClassVar = "PROMETHEUS_MULTIPROC_DIR"
    """What prometheus_client asks for when it is imported; its workers inherit it from us."""

    folder: str

    @classmethod
    @contextmanager
    def counting(cls) -> Iterator[Self]:
        """Processes that are started while entered count together."""
        with tempfile.TemporaryDirectory(prefix="metrics-") as folder:
            os.putenv(cls.VARIABLE, folder)  # for the children; this process has imported it
            try:
                yield cls(folder)
            finally:
                os.unsetenv(cls.VARIABLE)

    def mark_dead(self, pid: int) -> None:
        """Drop the gauges of a process that is gone."""
        mark_process_dead(pid, self.folder)  # type: ignore[no-untyped-call]

    @staticmethod
    def all() -> CollectorRegistry | None:
        """The sums over all workers; None in a process that counts for itself."""
        registry = CollectorRegistry()
        try:
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        except ValueError:  # no folder
            return None
        return registry
