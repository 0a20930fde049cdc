"""P1: every host answers alike, without a key, without a network, and without `--allow-blocking`."""

import sys
import time
import tomllib
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.harness.platforms.hosts import HOSTS, Host, new_thread

SET = tomllib.loads(Path(__file__).with_name("questions.toml").read_text(encoding="utf-8"))


async def _answers(host: Host) -> list[Any]:
    """Each reply, comparable: the questions, a follow-up, a call, and the call approved."""
    threads = [new_thread() for _ in SET["questions"]]
    asked = list(zip([*SET["questions"], SET["follow_up"]], [*threads, threads[SET["after"]]], strict=True))
    replies = [await host.ask(message, thread) for message, thread in asked]
    waiting = await host.ask(SET["approval"], thread := new_thread())
    decided = await host.decide(waiting["approvals"][0]["id"], "approve", thread)
    return [Host.comparable(it) for it in (*replies, waiting, decided)]


@pytest.mark.checklist("PLAT-2")
async def test_every_host_answers_alike(tmp_path: Path) -> None:
    """20 questions and a call that a person approves; the seconds are of this machine."""
    answers, said = dict[str, list[Any]](), list[str]()
    with ExitStack() as stack:
        for kind in HOSTS:
            begun = time.monotonic()
            host = stack.enter_context(kind.started({"LIMITS": "off"}, tmp_path / kind.__name__))
            started = time.monotonic()
            answers[kind.name] = await _answers(host)
            seconds = (time.monotonic() - started) / len(answers[kind.name])
            said.append(f"{kind.name}: ready after {started - begun:.0f} s, {seconds * 1000:.0f} ms a question")
    first = answers[HOSTS[0].name]
    same = Counter({name: sum(a == b for a, b in zip(first, theirs, strict=True)) for name, theirs in answers.items()})
    counts = ", ".join(f"{name} {number} of {len(first)}" for name, number in same.items())
    sys.stdout.write(f"\nas {HOSTS[0].name} answers: {counts}; {'; '.join(said)}\n")
    for name, theirs in answers.items():
        assert theirs == first, name


@pytest.mark.parametrize("kind", HOSTS)
def test_each_question_is_asked_once(kind: type[Host]) -> None:
    assert len(SET["questions"]) + 1 == 20
    assert len({*SET["questions"]}) == len(SET["questions"])
