"""Limits for the tests of counters, and a clock that stands still."""

from harness.limits.counters import Limit

NOON = 1_800_000_000.0
"""A multiple of a minute; no multiple of a day."""


def limit(quota: int, *, key: str = "one", seconds: int = 60, **more: object) -> Limit:
    return Limit("test", key, quota, seconds, **more)  # type: ignore[arg-type] # the test's to get right
