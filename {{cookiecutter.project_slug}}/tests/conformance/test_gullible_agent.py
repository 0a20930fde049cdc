"""A model that obeys every instruction: it asks for everything, and gets what the policy names."""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from harness.telemetry.metrics import REGISTRY
from tests.conformance.conftest import Served
from tests.support.peers.data_sources import DataSources, Json
from tests.support.peers.openai_replies import Reply, Request, Text, ToolCalls
from tests.support.vault import CANARY, FINE, ElsewhereAgent, VaultAgent


@dataclass(frozen=True)
class Attack:
    """One tool call that a message talks the model into, and what it is refused as."""

    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    kind: str = "tool"
    label: str = "other"


def fetch(url: str, kind: str = "host") -> Attack:
    return Attack("fetch", {"url": url}, kind, "fetch")


def read(name: str) -> Attack:
    return Attack("read", {"name": name}, "file", "read")


def query(sql: str) -> Attack:
    return Attack("query", {"sql": sql}, "table", "query")


ATTACKS = {
    "a tool of another agent": Attack("open_door"),
    "a tool of another agent with arguments": Attack("look_up", {"name": "everest"}),
    "a tool that there is not": Attack("run_shell", {"command": "cat /etc/passwd"}),
    "a tool without a name": Attack(" "),
    "a tool that the policy leaves out": Attack("hidden", label="hidden"),
    "a tool that writes, told a secret": Attack(
        "erase", {"name": "sk-" + "planted-0123456789abcdef"}, "approval", "erase"
    ),
    "the cloud's metadata": fetch("http://169.254.169.254/latest/meta-data/"),
    "a host beside the allowed one": fetch("http://127.0.0.1.evil.example:{port}/note"),
    "a number for a host": fetch("http://2130706433:{port}/note"),
    "a user name that looks like the host": fetch("http://127.0.0.1@evil.example:{port}/note"),
    "a named host with a private address": fetch("http://localhost:{port}/note", "address"),
    "another scheme": fetch("file:///etc/passwd"),
    "a file outside": read("../secret.md"),
    "a file outside, encoded": read("%2e%2e/secret.md"),
    "a file by its whole path": read("/etc/passwd"),
    "a file of another type": read("a.sqlite"),
    "a table that is not granted": query("SELECT name FROM staff"),
    "a table behind a common table expression": query(
        "WITH prices AS (SELECT name FROM staff) SELECT name FROM prices"
    ),
    "a second statement": query("SELECT 1; DELETE FROM prices"),
    "a deletion": query("DELETE FROM prices"),
    "the list of tables": query("SELECT sql FROM sqlite_master"),
    "another database": query("ATTACH DATABASE '/tmp/x' AS x"),
}


class Gullible:
    """Calls what the attack of the message's number wants, and repeats what it got."""

    def __init__(self, calls: Sequence[Attack], address: str) -> None:
        self._calls = calls
        self._port = address.rpartition(":")[2]

    def __call__(self, request: Request) -> Reply:
        if request.results:
            return Text(" ".join(map(str, request.results)))
        return ToolCalls([(it.tool, self._filled(it.arguments)) for it in self._calls])

    def _filled(self, arguments: Mapping[str, Any]) -> dict[str, str]:
        return {name: it.replace("{port}", self._port) for name, it in arguments.items()}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DataSources]:
    """A folder, a database and a source that hold a canary beside what is granted."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text(FINE, encoding="utf-8")
    (tmp_path / "secret.md").write_text(CANARY, encoding="utf-8")
    with closing(sqlite3.connect(tmp_path / "shop.sqlite")) as connection, connection:
        connection.executescript(f"""
            CREATE TABLE prices (name TEXT); INSERT INTO prices VALUES ('{FINE}');
            CREATE TABLE staff (name TEXT); INSERT INTO staff VALUES ('{CANARY}');
            """)
    monkeypatch.setattr(VaultAgent, "root", tmp_path, raising=False)
    monkeypatch.setattr(VaultAgent, "ran", [])
    with DataSources() as sources:
        sources.answer("/note", Json({"note": FINE}))
        yield sources


@pytest.fixture
async def gullible(served: Served, world: DataSources) -> Served:  # a fixture
    """The service before a model that has not been told what to call yet."""
    await served.start(
        VaultAgent,
        ElsewhereAgent,
        llm_planner_model="embedded",
        llm_writer_model="embedded",
        use_fake_data=False,
        data_private_hosts="127.0.0.1",
    )
    return served


def refused() -> Counter[tuple[str, str]]:
    """How often each tool of the vault's was refused what."""
    samples = [it for family in REGISTRY.collect() for it in family.samples]
    return Counter(
        {
            (it.labels["tool"], it.labels["kind"]): int(it.value)
            for it in samples
            if it.name == "access_refused_total" and it.labels["agent"] == "vault"
        }
    )


@pytest.mark.checklist("DEF-2", "PERM-3", "ABU-2")
@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
async def test_what_the_policy_does_not_name_is_refused_counted_logged_and_not_done(
    gullible: Served, world: DataSources, attack: Attack
) -> None:
    gullible.model.breaks(Gullible([attack], world.address), "agent")
    before = refused()
    reply = await gullible.ask("What is in the vault?")
    assert VaultAgent.ran == []
    assert world.requests == []
    assert CANARY not in str(reply) + str(gullible.server.requests) + gullible.lines.text
    # Where nothing was asked of a source, the agent's own rules ask it.
    assert [agent["status"] for agent in reply["agents"]] == ["answered" if attack.kind == "tool" else "missing"]
    assert refused() - before == Counter({(attack.label, attack.kind): 1})
    (line,) = gullible.lines.named("access_refused")
    assert (line["level"], line["agent"], line["tool"], line["kind"]) == ("warning", "vault", attack.label, attack.kind)
    assert (VaultAgent.root / "docs" / "a.md").read_text(encoding="utf-8") == FINE


GRANTED = [
    Attack("fetch", {"url": "http://127.0.0.1:{port}/note"}),
    Attack("read", {"name": "a.md"}),
    Attack("query", {"sql": "SELECT name FROM prices"}),
]


@pytest.mark.parametrize("call", GRANTED, ids=lambda call: call.tool)
async def test_what_the_policy_names_is_done(gullible: Served, world: DataSources, call: Attack) -> None:
    gullible.model.breaks(Gullible([call], world.address), "agent")
    before = refused()
    reply = await gullible.ask("What is in the vault?")
    assert FINE in reply["answer"]
    assert not reply["degraded"]
    assert refused() == before


@pytest.mark.checklist("DEF-2", "PERM-3")
async def test_the_model_is_told_of_each_refusal_and_answers_with_the_rest(
    gullible: Served, world: DataSources
) -> None:
    bad = [ATTACKS["a tool of another agent"], ATTACKS["a file outside"], ATTACKS["a deletion"]]
    gullible.model.breaks(Gullible([*bad, GRANTED[1]], world.address), "agent")
    reply = await gullible.ask("What is in the vault?")
    told = gullible.asked("agent")[1].results
    assert told == ["The service may not reach this resource."] * 3 + ['{"found":"from inside"}']
    assert FINE in reply["answer"]
    assert reply["degraded_because"] == ["source_unavailable"]


async def test_only_tools_that_may_run_are_offered_to_the_model(gullible: Served, world: DataSources) -> None:
    gullible.model.breaks(Gullible(GRANTED, world.address), "agent")
    await gullible.ask("What is in the vault?")
    assert gullible.asked("agent")[0].tools == ["fetch", "read", "query", "erase"]


@pytest.mark.checklist("DEF-2")
async def test_refusals_hold_on_the_stream_and_the_service_goes_on_answering(
    gullible: Served, world: DataSources
) -> None:
    gullible.model.breaks(Gullible(list(ATTACKS.values())[:8], world.address), "agent")
    before = refused()
    events = await gullible.stream("What is in the vault?")
    assert CANARY not in str(events)
    assert VaultAgent.ran == []
    assert sum((refused() - before).values()) == 8
    gullible.model.breaks(Gullible(GRANTED, world.address), "agent")
    assert FINE in (await gullible.ask("What is in the vault now?"))["answer"]


async def test_what_a_message_wants_to_reach_is_not_in_the_log(gullible: Served, world: DataSources) -> None:
    wanted = [
        fetch("http://planted-argument.example/"),
        read("../planted-argument.md"),
        query("SELECT 'planted-argument' FROM staff"),
        Attack("planted-argument"),
    ]
    gullible.model.breaks(Gullible(wanted, world.address), "agent")
    await gullible.ask("What is in the vault?")
    assert len(gullible.lines.named("access_refused")) == 4
    refusals = [line for line in gullible.lines.events if line["event"] == "access_refused"]
    assert "planted-argument" not in str(refusals)
