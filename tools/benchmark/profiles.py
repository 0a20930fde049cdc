"""Where the time goes: self time by package, of profiles that cProfile wrote."""

import pstats
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# A package of the harness is a line of its own; so are the owner's code and each library.
PLACES = (
    (re.compile(r"/src/(app|harness/\w+)"), "{}"),
    (re.compile(r"/(floors)/"), "{}"),
    (re.compile(r"/site-packages/(\w+)"), "{}"),
    (re.compile(r"/python3\.\d+/(\w+)"), "python: {}"),
)
BUILT_IN = "built in"
# What is below it in both is left out.
SHARE_SHOWN = 0.01


def by_package(profile: Path) -> Mapping[str, float]:
    """Seconds of self time by package; a built-in function counts for the package that called it."""
    stats: Any = pstats.Stats(str(profile))
    seconds: Counter[str] = Counter()
    for (file, _, _), (_, _, own, _, callers) in stats.stats.items():
        if file != "~" or not callers:
            seconds[place(file)] += own
            continue
        for (caller, _, _), (_, _, own_there, _) in callers.items():
            seconds[place(caller)] += own_there
    return seconds


def place(file: str) -> str:
    for pattern, name in PLACES:
        if found := pattern.search(file.replace("\\", "/")):
            return name.format(found[1])
    return BUILT_IN


def rows(floor: Mapping[str, float], service: Mapping[str, float]) -> list[tuple[str, float, float]]:
    """Package, and its share of all self time in the floor and in the service; the largest first."""
    of_floor, of_service = sum(floor.values()), sum(service.values())
    shares = [(name, floor.get(name, 0) / of_floor, service.get(name, 0) / of_service) for name in {*floor, *service}]
    shown = [row for row in shares if max(row[1:]) >= SHARE_SHOWN]
    return sorted(shown, key=lambda row: -row[2])
