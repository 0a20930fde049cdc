"""The service under attack: a gullible model in front, everything worth stealing behind."""

import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.application import Application
from harness.settings import Settings
from tests.conftest import Door
from tests.harness.abuse.attacks import STOLEN, Attack, Attacks
from tests.harness.abuse.evidence import ATTACKER, THREAD, VICTIM, Report
from tests.harness.abuse.flows import AGENTS, FLOWS
from tests.harness.abuse.world import DecoyServer, World
from tests.support.callers import by
from tests.support.endpoints.base import BASE_URL, Client, clients
from tests.support.peers.data_sources import DataSources
from tests.support.peers.openai_server import OpenAIServer
from tests.support.scripted_model import KEY
from tests.support.vault import VaultAgent


@dataclass
class Siege:
    """Starts the service and sends attacks; tells what came of it."""

    door: Door
    world: World
    folder: Path

    def __post_init__(self) -> None:
        self.attacks = list(Attacks(self.world.decoy.address.rpartition(":")[2]))
        self.world.lay_out(self.attacks)
        self._keys = self.folder / "keys.jsonl"
        self._keys.write_text("".join(f"{key.record.line}\n" for key in (VICTIM, ATTACKER)))

    async def run(
        self, attacks: Sequence[Attack], flow: str = "parallel", kinds: Sequence[type[Client]] = (), **changes: Any
    ) -> Report:
        """Send `attacks` through `flow` and these endpoints, or all, after a victim has said something.

        `changes` are other settings.
        """
        make_flow, make_model = FLOWS[flow]
        model = make_model(self.attacks, f"{self.world.source.address}/note")
        with OpenAIServer(model) as server:
            settings = Settings(**dict(self._settings(server.url)) | changes)
            application = Application(agents=AGENTS, flow=make_flow(settings))
            client = await self.door.client(application.create_app(settings))
            said = {"message": f"My word is {STOLEN}. #0", "thread_id": THREAD}
            await client.post("/v1/chat", json=said, headers=by(VICTIM))
            before = len(server.requests)
            report = Report(self.world, flow)
            await report.run(attacks, self.door.app, kinds or clients())
            await self.door.close()
            shown = [str(it.body) for it in server.requests[before:]]
        report.leaks += [f"a model read: {it}" for it in shown if STOLEN in it]
        report.unread = {attack.number for attack in attacks} - model.reached
        return report

    def _settings(self, model_url: str) -> Iterator[tuple[str, Any]]:
        yield "database_url", f"sqlite:///{self.folder}/threads.sqlite"
        yield from {"log_level": "ERROR", "log_format": "json"}.items()
        yield from {"authentication": "keys", "api_keys_file": self._keys, "limits": "off"}.items()
        yield "public_url", BASE_URL
        yield from {"use_fake_data": False, "data_private_hosts": "127.0.0.1"}.items()
        yield from {"data_max_retries": 0, "injection": "off"}.items()
        yield "llm_model", "openai:scripted-agent"
        yield "llm_planner_model", "openai:scripted-planner"
        yield "llm_writer_model", "openai:scripted-writer"
        yield from {"llm_base_url": model_url, "llm_api_key": KEY}.items()


@pytest.fixture
def siege(door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Siege]:
    """The service, not started yet, with everything that an attacker could reach laid out."""
    monkeypatch.setattr(VaultAgent, "root", tmp_path, raising=False)
    monkeypatch.setattr(VaultAgent, "ran", [])
    looked_up: list[str] = []
    look_up = socket.getaddrinfo

    def watched(host: Any, *args: Any, **options: Any) -> Any:
        if host != DataSources.HOST:
            looked_up.append(str(host))
        return look_up(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", watched)
    with DataSources() as source, DecoyServer() as decoy:
        yield Siege(door, World(source, decoy, tmp_path, looked_up), tmp_path)
