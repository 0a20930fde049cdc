"""What is measured of them. Runs alternate, so that a busy machine slows all alike; ratios are taken within a round."""

import http.client
import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tools.benchmark.contenders import BARE, FLOOR, SERVICE_ENDPOINTS, SERVICE_SQLITE, Contenders
from tools.benchmark.load import ANSWER_SECONDS, QUESTIONS, Load, Measured, ask
from tools.benchmark.server import HOST, Server, ServerError


@dataclass(frozen=True, slots=True)
class Effort:
    """How long everything is measured."""

    connections: Sequence[int]
    rounds: int
    seconds: int
    """Of one round of one contender."""
    starts: int
    requests: int
    """After which memory is read again."""
    threads: int
    turns: int
    """Of one thread; the first and the last ``BLOCK`` of them are compared."""


FULL = Effort(connections=(1, 16, 64), rounds=5, seconds=5, starts=5, requests=10_000, threads=5, turns=200)
QUICK = Effort(connections=(16,), rounds=2, seconds=3, starts=2, requests=500, threads=2, turns=60)

BLOCK = 20
# Between the first reading of the memory and the last one: caches and pools are full by then.
WARM_REQUESTS_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident megabytes of one contender."""

    idle: float
    warm: float
    after: float
    requests: int
    """Between ``warm`` and ``after``."""

    @property
    def growth_kilobytes(self) -> float:
        """Per request."""
        return (self.after - self.warm) * 1000 / self.requests


@dataclass(frozen=True, slots=True)
class Start:
    """One start of one contender, or the medians of several."""

    cpu_seconds: float
    """User and system time from nothing to the first ``/readyz``."""
    megabytes: float
    """Resident then."""


Speed = Mapping[int, Mapping[str, Sequence[Measured]]]


def median(rounds: Sequence[Measured], figure: str) -> float:
    """The median of one figure over the rounds."""
    return float(statistics.median(getattr(one, figure) for one in rounds))


def ratio(of: Sequence[Measured], to: Sequence[Measured], figure: str) -> float:
    """The median of the rounds' own ratios of one figure."""
    pairs = zip(of, to, strict=True)
    return float(statistics.median(getattr(one, figure) / getattr(other, figure) for one, other in pairs))


class Measurements:
    """All of them, on one set of contenders."""

    def __init__(self, contenders: Contenders, load: Load, effort: Effort, tell: Callable[[str], None]) -> None:
        self._contenders = contenders
        self._load = load
        self._effort = effort
        self._tell = tell

    def speed(self) -> Speed:
        """Rounds for each number of connections and each contender."""
        measured: dict[int, dict[str, list[Measured]]] = {}
        with ExitStack() as stack:
            servers = {name: stack.enter_context(self._contenders.server(name)) for name in self._contenders.names}
            for name, server in servers.items():
                self._check(name, server)
                self._load.drive(server, 4, 1)
            for connections in self._effort.connections:
                rounds: dict[str, list[Measured]] = {name: [] for name in servers}
                for number in range(self._effort.rounds):
                    self._tell(f"{connections} connections, round {number + 1} of {self._effort.rounds}")
                    for name, server in servers.items():
                        rounds[name].append(self._load.drive(server, connections, self._effort.seconds))
                measured[connections] = rounds
        return measured

    def starts(self) -> Mapping[str, Start]:
        """The medians, the first start left out: it compiles."""
        found: dict[str, list[Start]] = {FLOOR: [], SERVICE_SQLITE: [], SERVICE_ENDPOINTS: []}
        for number in range(self._effort.starts + 1):
            self._tell(f"start {number} of {self._effort.starts}")
            for name, starts in found.items():
                with self._contenders.server(name) as server:
                    starts.append(Start(server.start_cpu_seconds, server.resident_megabytes))
        return {
            name: Start(*(statistics.median(getattr(it, field) for it in starts[1:]) for field in Start.__slots__))
            for name, starts in found.items()
        }

    def memory(self) -> Mapping[str, Memory]:
        """Idle, and how it grows with requests."""
        found = {}
        for name in (FLOOR, SERVICE_SQLITE):
            self._tell(f"memory of {name} over {self._effort.requests} requests")
            with self._contenders.server(name) as server:
                idle = server.resident_megabytes
                first = self._drive(server, round(self._effort.requests * WARM_REQUESTS_SHARE))
                warm = server.resident_megabytes
                rest = self._drive(server, self._effort.requests - first)
                found[name] = Memory(idle, warm, server.resident_megabytes, rest)
        return found

    def turns(self) -> tuple[float, float]:
        """CPU milliseconds for one of the first and one of the last turns of a thread."""
        self._tell(f"{self._effort.threads} threads of {self._effort.turns} turns")
        first = last = 0.0
        with self._contenders.server(SERVICE_SQLITE) as server:
            self._load.drive(server, 4, 1)
            connection = http.client.HTTPConnection(HOST, server.port, timeout=ANSWER_SECONDS)
            for thread in range(self._effort.threads):
                for turn in range(0, self._effort.turns, BLOCK):
                    before = server.cpu_seconds
                    for number in range(turn, turn + BLOCK):
                        self._take_turn(connection, QUESTIONS[number % len(QUESTIONS)], f"long-{thread}")
                    spent = server.cpu_seconds - before
                    first += spent if turn == 0 else 0.0
                    last += spent if turn + BLOCK >= self._effort.turns else 0.0
            connection.close()
        requests = self._effort.threads * BLOCK
        return first * 1000 / requests, last * 1000 / requests

    def profile(self, name: str, to: Path) -> int:
        """A profile of one contender under load in ``to``; the number of requests in it."""
        self._tell(f"profile of {name}")
        with self._contenders.server(name, to) as server:
            return round(self._load.drive(server, 16, self._effort.seconds * 2).requests)

    def _drive(self, server: Server, requests: int) -> int:
        done = 0
        while done < requests:
            done += self._load.drive(server, 16, self._effort.seconds).requests
        return done

    @staticmethod
    def _take_turn(connection: http.client.HTTPConnection, message: str, thread_id: str) -> None:
        body = json.dumps({"message": message, "thread_id": thread_id})
        connection.request("POST", "/v1/chat", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        said = response.read()
        if response.status != http.client.OK:
            raise ServerError(f"HTTP {response.status}: {said[:300].decode(errors='replace')}")

    @staticmethod
    def _check(name: str, server: Server) -> None:
        """Refuse to measure one that does not answer in full: it would look fast."""
        for question in QUESTIONS if name != BARE else ():
            said = ask(server, question)
            if said.get("degraded") or not said["answer"]:
                raise ServerError(f"{name} does not answer {question!r} in full: {json.dumps(said)}")
