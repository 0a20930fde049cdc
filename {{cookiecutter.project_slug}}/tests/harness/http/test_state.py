import gc

from pydantic import SecretStr

from harness.application import Application
from harness.http.state import AppState
from harness.settings import Configuration, Settings
from harness.telemetry.logging import Logs
from harness.telemetry.redaction import MASK
from tests.conftest import Door
from tests.support.agents import MoonsAgent


class TideSettings(Configuration):
    """An agent's own settings."""

    tide_key: SecretStr = SecretStr("no-known-shape")
    """A secret."""


class TideAgent(MoonsAgent):
    """Has settings of its own."""

    name = "tides"
    settings_class = TideSettings  # type: ignore[assignment]  # TableAgent needs none


async def test_the_secrets_of_agents_are_masked_from_the_start_on(settings: Settings) -> None:
    logs = Logs(settings)
    assert logs.redactor.text("no-known-shape") == "no-known-shape"
    async with AppState.start(Application([TideAgent]), settings, logs) as running:
        assert logs.redactor.text("no-known-shape") == MASK
        assert [agent.name for agent in running.service.agents] == ["tides"]
        assert await running.store.is_healthy()


async def test_the_garbage_collector_passes_by_what_the_start_made_until_the_end(
    door: Door,
) -> None:
    await door.open()
    assert gc.get_freeze_count() > 10_000
    await door.close()
    assert gc.get_freeze_count() == 0
