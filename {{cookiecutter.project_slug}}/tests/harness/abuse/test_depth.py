"""Defence in depth: with any one guard away, another still stops each attack."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from harness.guards.active_content import ActiveContent
from harness.guards.injection_guard import InjectionGuard
from harness.guards.leaks import Leaks
from harness.guards.output import OutputGuard
from harness.guards.tool_policy import ToolPolicy
from harness.sources.addresses import PinnedBackend
from harness.sources.files import Folder
from harness.sources.http import HttpClient
from harness.sources.sql import SqliteTables
from tests.harness.abuse.attacks import SAYINGS, WRAPPERS, Attack
from tests.harness.abuse.orders import CallTool, Fetch, Order, Recite, SendAway
from tests.harness.abuse.siege import Siege

pytestmark = [
    pytest.mark.slow,
    pytest.mark.allow_hosts(["127.0.0.1", "127.0.0.2", "::1"]),  # the decoy can be reached
]

Away = Callable[[pytest.MonkeyPatch], None]


class Guards:
    """Takes one guard away, the code around it left as it is."""

    @staticmethod
    def injection(patch: pytest.MonkeyPatch) -> None:
        """Nothing looks at messages, memory and what tools bring."""
        patch.setattr(InjectionGuard, "by_rules", lambda self, text: None)

    @staticmethod
    def rights(patch: pytest.MonkeyPatch) -> None:
        """Every tool runs."""
        patch.setattr(ToolPolicy, "_decide", lambda self, tool, arguments: None)

    @staticmethod
    def hosts(patch: pytest.MonkeyPatch) -> None:
        """Every host may be asked."""
        patch.setattr(HttpClient, "_allowed_host", lambda self, _, url: httpx2.URL(url).host)

    @staticmethod
    def addresses(patch: pytest.MonkeyPatch) -> None:
        """Private addresses are connected to."""
        patch.setattr(PinnedBackend, "is_public", staticmethod(lambda text: True))

    @staticmethod
    def folder(patch: pytest.MonkeyPatch) -> None:
        """Every path is read."""

        def read(self: Folder, name: str) -> str:
            return (Path(str(self._root)) / name).read_text(encoding="utf-8")

        patch.setattr(Folder, "read_text", read)

    @staticmethod
    def tables(patch: pytest.MonkeyPatch) -> None:
        """Every statement of one is run."""
        patch.setattr(SqliteTables, "_restrict", lambda self, connection, last: None)
        patch.setattr(SqliteTables, "_connected", lambda self: sqlite3.connect(self._path))

    @staticmethod
    def leaks(patch: pytest.MonkeyPatch) -> None:
        """Prompts and secrets leave."""
        patch.setattr(Leaks, "find", lambda self, text: None)

    @staticmethod
    def markup(patch: pytest.MonkeyPatch) -> None:
        """Images and links leave."""
        patch.setattr(ActiveContent, "is_present", lambda self, text: False)

    @staticmethod
    def outbound(patch: pytest.MonkeyPatch) -> None:
        """Every answer leaves as it is."""
        patch.setattr(OutputGuard, "violation", lambda self, text, before="", is_ours=False: None)

    @classmethod
    def all(cls) -> Mapping[str, Away]:
        """Each by its name."""
        names = [name for name in vars(cls) if name != "all" and not name.startswith("_")]
        return {name: getattr(cls, name) for name in names}


def planted(siege: Siege) -> Sequence[Attack]:
    """One of each kind, in words that rules know, in a message and in what a tool brings."""
    wanted: Sequence[Order] = (
        CallTool("hidden"),
        CallTool("read", {"name": "../secret.md"}),
        CallTool("query", {"sql": "SELECT name FROM staff"}),
        Fetch("fetch", {"url": f"{siege.world.decoy.address}/note"}),
        Recite("plain"),
        SendAway("image"),
        SAYINGS[0],
    )
    found: dict[tuple[str, int], Attack] = {}
    for attack in siege.attacks:
        is_usual = attack.role == "agent" and attack.way in ("message", "fetch")
        if is_usual and attack.order in wanted:
            known = replace(attack, wrapper=WRAPPERS[attack.language][1])
            found.setdefault((attack.way, wanted.index(attack.order)), known)
    assert len(found) == 2 * len(wanted)
    for attack in found.values():
        siege.attacks[attack.number] = attack
        siege.world.place(attack)
    return list(found.values())


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Takes guards away until the test ends."""
    with ExitStack() as stack:
        yield stack.enter_context(pytest.MonkeyPatch.context())


@pytest.mark.checklist("DEF-1")
@pytest.mark.parametrize("name", Guards.all())
async def test_with_any_one_guard_away_another_stops_each_attack(
    siege: Siege, away: pytest.MonkeyPatch, name: str
) -> None:
    Guards.all()[name](away)
    report = await siege.run(planted(siege), injection="enforce")
    assert report.happened == []
    assert report.leaks == []
    assert report.failures == []


async def test_with_all_guards_away_each_attack_does_what_it_wants(
    siege: Siege, away: pytest.MonkeyPatch
) -> None:
    for guard in Guards.all().values():
        guard(away)
    for attack in planted(siege):
        siege.world.forget()
        report = await siege.run([attack], injection="enforce", grounding_names="off")
        assert report.leaks or report.happened, attack.text
