import httpx2
import pytest

from harness.errors import SourceUnavailable
from harness.settings import Settings
from harness.sources.policy import Policy
from harness.sources.resources import SourceConnections
from tests.harness.sources.conftest import LOOPBACK
from tests.harness.sources.test_http import FINE, Reading
from tests.support.peers.data_sources import DataSources, Json


class SyncSample:
    """Answers at once."""

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, json={**FINE, "city": request.url.params["city"]})


class AsyncSample:
    """Answers as a coroutine."""

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        return SyncSample()(request)


@pytest.mark.parametrize("sample", [SyncSample(), AsyncSample()])
@pytest.mark.checklist("CFG-2")
async def test_with_fake_data_the_sample_answers_and_nothing_is_sent(
    sources: DataSources, sample: SyncSample | AsyncSample
) -> None:
    connectors = SourceConnections(Settings(use_fake_data=True))
    outside = connectors.for_policy(LOOPBACK, sample)
    answer = await outside.http.get_json(f"{sources.address}/reading", {"city": "Quito"}, Reading)
    await connectors.aclose()
    assert answer.city == "Quito"
    assert sources.requests == []


async def test_with_fake_data_an_agent_without_sample_has_no_source(sources: DataSources) -> None:
    outside = SourceConnections(Settings(use_fake_data=True)).for_policy(LOOPBACK, None)
    with pytest.raises(SourceUnavailable, match="this agent has no sample"):
        await outside.http.get_json(f"{sources.address}/reading", {}, Reading)
    assert sources.requests == []


async def test_without_fake_data_the_source_is_asked_and_not_the_sample(
    sources: DataSources,
) -> None:
    sources.answer("/reading", Json(FINE))
    connectors = SourceConnections(Settings(use_fake_data=False, data_private_hosts="127.0.0.1"))
    outside = connectors.for_policy(LOOPBACK, SyncSample())
    answer = await outside.http.get_json(f"{sources.address}/reading", {"city": "Quito"}, Reading)
    await connectors.aclose()
    assert answer.city == "Lima"
    assert len(sources.requests) == 1


@pytest.mark.parametrize(
    ("is_fake", "title"), [(True, "Open-Meteo (sample data)"), (False, "Open-Meteo")]
)
async def test_a_source_is_called_sample_data_when_it_is(is_fake: bool, title: str) -> None:
    connectors = SourceConnections(Settings(use_fake_data=is_fake))
    assert connectors.for_policy(Policy(), None).title("Open-Meteo") == title
    await connectors.aclose()


async def test_all_agents_share_one_pool() -> None:
    connectors = SourceConnections(Settings(use_fake_data=False))
    one, two = (connectors.for_policy(LOOPBACK, None).http for _ in range(2))
    assert one._client is two._client
    await connectors.aclose()
    assert one._client.is_closed
