"""Whether hosts answer alike: 20 questions, and a call that a person approves."""

import sys
import time
import tomllib
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.harness.platforms.hosts import Host, new_thread

SET = tomllib.loads(Path(__file__).with_name("questions.toml").read_text(encoding="utf-8"))


async def _answers(host: Host) -> list[Any]:
    """Each reply, comparable: the questions, a follow-up, a call, and the call approved."""
    threads = [new_thread() for _ in SET["questions"]]
    asked = list(zip([*SET["questions"], SET["follow_up"]], [*threads, threads[SET["after"]]], strict=True))
    replies = [await host.ask(message, thread) for message, thread in asked]
    waiting = await host.ask(SET["approval"], thread := new_thread())
    decided = await host.decide(waiting["approvals"][0]["id"], "approve", thread)
    return [Host.comparable(it) for it in (*replies, waiting, decided)]


async def answer_alike(hosts: Sequence[type[Host]], folder: Path) -> None:
    """Each answers as the first one; the seconds that it prints are of this machine."""
    answers, said = dict[str, list[Any]](), list[str]()
    with ExitStack() as stack:
        for kind in hosts:
            begun = time.monotonic()
            host = stack.enter_context(kind.started({"LIMITS": "off"}, folder / kind.__name__))
            started = time.monotonic()
            answers[kind.name] = await _answers(host)
            seconds = (time.monotonic() - started) / len(answers[kind.name])
            said.append(f"{kind.name}: ready after {started - begun:.0f} s, {seconds * 1000:.0f} ms a question")
    first = answers[hosts[0].name]
    same = Counter({name: sum(a == b for a, b in zip(first, theirs, strict=True)) for name, theirs in answers.items()})
    counts = ", ".join(f"{name} {number} of {len(first)}" for name, number in same.items())
    sys.stdout.write(f"\nas {hosts[0].name} answers: {counts}; {'; '.join(said)}\n")
    for name, theirs in answers.items():
        assert theirs == first, name
