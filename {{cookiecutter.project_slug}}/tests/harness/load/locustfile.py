"""Load on a running service: the questions its agents name themselves, in English and Spanish.

`nox -s load` starts a service and runs this for a few seconds. Against another one:
`.venv/bin/python -m locust -f tests/harness/load/locustfile.py --host https://...`. At the end it prints
requests per second, percentiles, errors and degraded answers; an error makes it exit with 1.
Where callers need a key or a token, it is the variable API_KEY.
"""

import random
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar

import gevent
from locust import FastHttpUser, between, events, task
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.exception import StopUser

AND = {"en": "and", "es": "y"}
FOLLOW_UPS = {"en": ("And tomorrow?", "What about the other one?"), "es": ("¿Y mañana?", "¿Y el otro?")}


class Questions:
    """What people ask here: the agents' own examples, alone and two in one message."""

    def __init__(self, agents: Sequence[Mapping[str, Any]]) -> None:
        """Take the examples off `GET /v1/agents`."""
        self._examples = [agent["examples"] for agent in agents]

    def one(self, language: str) -> str:
        """A question for one agent."""
        return str(random.choice(random.choice(self._examples)[language]))

    def two(self, language: str) -> str:
        """A message of two tasks, for two agents where there are as many."""
        chosen = random.sample(self._examples, min(2, len(self._examples)))
        first, *rest = [random.choice(examples[language]) for examples in chosen]
        return f" {AND[language]} ".join([first.rstrip("?.! "), *rest])

    @staticmethod
    def follow_up(language: str) -> str:
        """What is said next in a conversation."""
        return random.choice(FOLLOW_UPS[language])


class Degraded:
    """Answers that were a lesser one, by reason: no errors, and yet what load does first."""

    by_reason: ClassVar[dict[str, int]] = {}
    answers: ClassVar[int] = 0

    @classmethod
    def count(cls, because: Sequence[str]) -> None:
        """Count one answer with its reasons; none when it was whole."""
        cls.answers += bool(because)
        for reason in because:
            cls.by_reason[reason] = cls.by_reason.get(reason, 0) + 1


class Person(FastHttpUser):
    """Asks, reads for a moment, asks again."""

    wait_time = between(0.05, 0.5)
    """Seconds of reading, short: a few users stand for many. A guess."""

    network_timeout = 60.0
    """Seconds to wait for an answer: above the service's own deadline, so that its answer counts."""

    questions: Questions
    headers: dict[str, str]

    def on_start(self) -> None:
        """Learn what can be asked here."""
        key = self.environment.parsed_options.api_key
        self.headers = {"Authorization": f"Bearer {key}"} if key else {}
        response = self.client.get("/v1/agents", name="GET /v1/agents", headers=self.headers)
        if response.status_code != HTTPStatus.OK:
            raise StopUser  # locust has counted the error
        agents: Any = response.json()
        self.questions = Questions(agents)

    @task(6)
    def ask_one_thing(self) -> None:
        """One task."""
        language = self.language()
        self.ask("one task", self.questions.one(language))

    @task(2)
    def ask_two_things(self) -> None:
        """Two tasks in one message."""
        language = self.language()
        self.ask("two tasks", self.questions.two(language))

    @task(2)
    def converse(self) -> None:
        """A question and what follows upon it, on one thread."""
        language = self.language()
        thread_id = self.ask("first of a thread", self.questions.one(language))
        if thread_id:
            self.ask("follow-up", self.questions.follow_up(language), thread_id)

    def ask(self, kind: str, message: str, thread_id: str | None = None) -> str | None:
        """Send one message; the thread to go on with, None when no answer came."""
        body = {"message": message} if thread_id is None else {"message": message, "thread_id": thread_id}
        with self.client.post("/v1/chat", json=body, headers=self.headers, name=kind, catch_response=True) as response:
            if response.status_code != HTTPStatus.OK:
                response.failure(f"HTTP {response.status_code}")
                return None
            reply = response.json()
            if not reply.get("answer") and not reply.get("approvals"):  # a call waits for a person
                response.failure("no answer")
                return None
            Degraded.count(reply["degraded_because"])
            return str(reply["thread_id"])

    @staticmethod
    def language() -> str:
        """As many in Spanish as in English."""
        return random.choice(tuple(AND))


class Report:
    """The table at the end."""

    COLUMNS: ClassVar = ("", "requests", "requests/s", "p50 ms", "p95 ms", "p99 ms", "errors")

    def __init__(self, environment: Environment) -> None:
        self._stats = environment.stats

    def lines(self) -> Sequence[str]:
        """The table and what was degraded, as Markdown."""
        entries = [*sorted(self._stats.entries.values(), key=lambda it: it.name), self._stats.total]
        rows = [self.COLUMNS, ("---", *["---:"] * 6), *map(self._row, entries)]
        reasons = ", ".join(f"{name} {count}" for name, count in sorted(Degraded.by_reason.items()))
        degraded = f"{Degraded.answers} degraded answers" + (f" ({reasons})" if reasons else "")
        failures = [
            f"- {error.name}: {error.error} ({error.occurrences} times)" for error in self._stats.errors.values()
        ]
        return [*(f"| {' | '.join(row)} |" for row in rows), "", degraded, *failures]

    @staticmethod
    def _row(entry: Any) -> tuple[str, ...]:
        percentiles = (entry.get_response_time_percentile(share) or 0 for share in (0.5, 0.95, 0.99))
        return (
            "all" if entry.name == "Aggregated" else entry.name,
            str(entry.num_requests),
            f"{entry.total_rps:.1f}",
            *(f"{ms:.0f}" for ms in percentiles),
            str(entry.num_failures),
        )


@events.init_command_line_parser.add_listener
def add_options(parser: LocustArgumentParser) -> None:
    """`--requests`: what ends the run before its time, so that a test need not wait for a clock.

    And the caller's key, from the environment: on a command line others could read it.
    """
    parser.add_argument("--requests", type=int, default=0, help="end after so many (0: no bound)")
    parser.add_argument("--api-key", env_var="API_KEY", default="", is_secret=True, help="a key")


@events.init.add_listener
def end_after_enough(environment: Any, **_: Any) -> None:
    """Watch the number of requests where one is given."""
    wanted = environment.parsed_options.requests

    def count(**_: Any) -> None:
        if environment.stats.total.num_requests == wanted:
            gevent.spawn(environment.runner.quit)  # not from inside the user that it ends

    if wanted:
        environment.events.request.add_listener(count)


@events.quitting.add_listener
def report(environment: Environment, **_: Any) -> None:
    """Print the table; fail when nothing was asked. locust itself fails on errors."""
    print("\n".join(Report(environment).lines()))  # noqa: T201 - it is what the run is for
    if not environment.stats.total.num_requests:
        environment.process_exit_code = 1
