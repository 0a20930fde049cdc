"""The tables, as Markdown for docs/performance.md."""

import os
import platform
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.benchmark.contenders import FLOOR, SERVICE, SERVICE_ENDPOINTS, SERVICE_POSTGRES, SERVICE_SQLITE, Project
from tools.benchmark.measure import Memory, Speed, Start, median, ratio

LIBRARIES = ("langgraph", "langchain", "langgraph-checkpoint-sqlite", "fastapi", "uvicorn")
# The number of connections that the bars speak of.
BAR_CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class Bar:
    """What is wanted of one figure."""

    what: str
    measured: float
    bound: float
    is_least: bool = False
    """Whether the bound is a lower one."""

    def row(self) -> Sequence[str]:
        is_met = self.measured >= self.bound if self.is_least else self.measured <= self.bound
        bound = f"{'at least' if self.is_least else 'at most'} {self.bound:g}"
        return self.what, bound, f"{self.measured:.2f}", "yes" if is_met else "no"


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that one run found."""

    speed: Speed
    starts: Mapping[str, Start]
    memory: Mapping[str, Memory]
    turns: tuple[float, float]
    """CPU milliseconds of one of the first and one of the last turns."""
    install_megabytes: float
    shares: Sequence[tuple[str, float, float]]
    """Package, share of the floor's time, share of the service's."""

    def bars(self) -> Iterator[Bar]:
        speed = self.speed[BAR_CONNECTIONS]
        floor, service, memory = speed[FLOOR], speed[SERVICE_SQLITE], self.memory
        faster = "requests_per_second"
        yield Bar("requests/s with SQLite, x B", ratio(service, floor, faster), 0.8, is_least=True)
        if SERVICE_POSTGRES in speed:
            with_postgres = ratio(speed[SERVICE_POSTGRES], floor, faster)
            yield Bar("requests/s with PostgreSQL, x B", with_postgres, 0.65, is_least=True)
        added = statistics.median(one.cpu_ms - other.cpu_ms for one, other in zip(speed[SERVICE], floor, strict=True))
        yield Bar("CPU ms a request that hardening adds (memory store)", added, 0.5)
        yield Bar("p95/p50", median(service, "spread"), 2.5)
        starts, bare = self.starts, self.starts[FLOOR]
        yield Bar("CPU of a cold start, x B", starts[SERVICE_SQLITE].cpu_seconds / bare.cpu_seconds, 1.2)
        every = starts[SERVICE_ENDPOINTS]
        yield Bar("CPU of a cold start with all endpoints, x B", every.cpu_seconds / bare.cpu_seconds, 1.5)
        yield Bar("idle memory with all endpoints, x B", every.megabytes / bare.megabytes, 1.4)
        yield Bar("idle memory, x B", memory[SERVICE_SQLITE].idle / memory[FLOOR].idle, 1.25)
        # Half a megabyte in 10,000 requests is below what the allocator moves by itself.
        yield Bar("memory growth, KB a request", memory[SERVICE_SQLITE].growth_kilobytes, 0.05)
        yield Bar("CPU of the last turns of a thread, x the first", self.turns[1] / self.turns[0], 1.25)
        yield Bar("install with one provider and SQLite, MB", self.install_megabytes, 150)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'|'.join(['---'] + ['---:'] * (len(head) - 1))}|"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def machine_lines(project: Project) -> Iterator[str]:
    code = f"import importlib.metadata as m; print(', '.join(n + ' ' + m.version(n) for n in {LIBRARIES}))"
    libraries = project.run("-c", code).strip()
    cpu = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = next((line.partition(":")[2].strip() for line in cpu.splitlines() if "model name" in line), "CPU unknown")
    loads = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    yield f"{os.cpu_count()} cores ({model}), {platform.system()}, Python {platform.python_version()}; {libraries}."
    yield f"Load of the machine at the end: {loads}. One worker each, one thread of wrk on the same machine."
    yield ""


def speed_lines(speed: Speed) -> Iterator[str]:
    head = ("", "requests/s", "x B", "CPU ms/request", "x B", "p50 ms", "p95 ms", "p95/p50", "failed")
    for connections, measured in speed.items():
        floor = measured[FLOOR]
        yield f"### {connections} connection{'s' if connections > 1 else ''}"
        yield ""
        rows = [
            (
                name,
                f"{median(rounds, 'requests_per_second'):.0f}",
                f"{ratio(rounds, floor, 'requests_per_second'):.2f}",
                f"{median(rounds, 'cpu_ms'):.1f}",
                f"{ratio(rounds, floor, 'cpu_ms'):.2f}",
                f"{median(rounds, 'p50_ms'):.0f}",
                f"{median(rounds, 'p95_ms'):.0f}",
                f"{median(rounds, 'spread'):.2f}",
                str(sum(one.failed for one in rounds)),
            )
            for name, rounds in measured.items()
        ]
        yield from table(head, rows)


def process_lines(results: Results) -> Iterator[str]:
    yield "### Start, memory, threads"
    yield ""
    head = ("", "cold start, CPU s", "idle MB", "warm MB", "at the end MB", "requests between", "KB a request")
    rows = [
        (
            name,
            f"{results.starts[name].cpu_seconds:.2f}",
            *(f"{megabytes:.0f}" for megabytes in (memory.idle, memory.warm, memory.after)),
            str(memory.requests),
            f"{memory.growth_kilobytes:.3f}",
        )
        for name, memory in results.memory.items()
    ]
    yield from table(head, rows)
    every = results.starts[SERVICE_ENDPOINTS]
    yield f"With all endpoints: {every.cpu_seconds:.2f} s of CPU for a start, {every.megabytes:.0f} MB idle."
    yield ""
    first, last = results.turns
    yield f"One turn of a thread: {first:.1f} ms of CPU among the first, {last:.1f} ms among the last."
    yield ""


def profile_lines(results: Results) -> Iterator[str]:
    yield "### Where the time goes"
    yield ""
    yield "Share of the time in each package's own code (cProfile, 16 connections)."
    yield ""
    rows = [(name, f"{floor:.1%}", f"{service:.1%}") for name, floor, service in results.shares]
    yield from table(("", FLOOR, SERVICE_SQLITE), rows)


def lines(results: Results, project: Project) -> Iterator[str]:
    """The whole page's figures."""
    yield from machine_lines(project)
    yield from table(("", "wanted", "measured", "met"), [bar.row() for bar in results.bars()])
    yield from speed_lines(results.speed)
    yield from process_lines(results)
    yield from profile_lines(results)
