"""Tests of `policy`, `http_policy`, `body` and `resources`."""

import gzip
from collections.abc import AsyncIterator

import httpx2
import pytest
from pydantic import SecretStr

from harness.errors import PolicyViolation, SourceUnavailable
from harness.settings import Settings
from harness.sources.http import BoundedBody, ResponseRejected
from harness.sources.policy import Policy
from harness.sources.resources import SourceConnections
from tests.harness.sources.conftest import LOOPBACK
from tests.harness.sources.test_addresses import Anything, client_of
from tests.harness.sources.test_http import FINE, Reading
from tests.support.peers.data_sources import DataSources, Json
from tests.support.peers.openai_replies import Body


async def test_a_policy_that_names_nothing_allows_nothing() -> None:
    connectors = SourceConnections(Settings(use_fake_data=False))
    outside = connectors.for_policy(Policy(), None)
    with pytest.raises(PolicyViolation, match="this host is outside the policy"):
        await outside.http.get_xml("https://api.example.com/feed")
    with pytest.raises(PolicyViolation, match="name a folder"):
        outside.files.names()
    with pytest.raises(PolicyViolation, match="name a database"):
        await outside.tables.rows("SELECT 1")
    await connectors.aclose()


def test_what_a_policy_holds_in_secret_is_not_shown() -> None:
    keys = {"api.example.com": {"X-Key": SecretStr("planted")}}
    policy = Policy(keys=keys, database="postgresql://reader:hunter2@db/prices")
    assert "planted" not in repr(policy)
    assert "hunter2" not in repr(policy)


# Methods and keys: what a policy lets a request be, and which host learns a key.

KEYS = {"127.0.0.1": {"X-Api-Key": SecretStr("planted-key")}}


@pytest.mark.checklist("SCN-2")
async def test_a_key_goes_to_its_host_and_to_no_other(sources: DataSources) -> None:
    sources.answer("/any", Json({}))
    port = sources.address.rpartition(":")[2]
    http = await client_of("127.0.0.1", "localhost", private="127.0.0.1,localhost", keys=KEYS)
    await http.get_json(f"http://127.0.0.1:{port}/any", {}, Anything)
    try:
        await http.get_json(f"http://localhost:{port}/any", {}, Anything)
    except SourceUnavailable:
        pytest.skip("localhost is not 127.0.0.1 here")
    assert [it.headers.get("x-api-key") for it in sources.requests] == ["planted-key", None]


@pytest.mark.checklist("SCN-2")
async def test_a_redirect_takes_no_key_along(sources: DataSources) -> None:
    with DataSources() as other:
        away = f"http://localhost:{other.address.rpartition(':')[2]}/any"
        sources.answer("/any", Body(b"", 302, headers={"location": away}))
        http = await client_of("127.0.0.1", "localhost", private="127.0.0.1,localhost", keys=KEYS)
        with pytest.raises(SourceUnavailable, match="redirects are not followed"):
            await http.get_json(f"{sources.address}/any", {}, Anything)
        assert other.requests == []


async def test_a_key_is_not_sent_over_plain_http() -> None:
    keys = {"api.example": {"X-Api-Key": SecretStr("planted-key")}}
    http = await client_of("api.example", keys=keys)
    with pytest.raises(PolicyViolation, match="https only"):
        await http.get_json("http://api.example/", {}, Anything)


@pytest.mark.checklist("SCN-2")
async def test_a_method_that_the_policy_does_not_name_is_refused(sources: DataSources) -> None:
    url = f"{sources.address}/any"
    sources.answer("/any", Json({}))
    readers = await client_of("127.0.0.1", private="127.0.0.1")
    with pytest.raises(PolicyViolation) as refusal:
        await readers.post_json(url, {"q": 1}, Anything)
    assert refusal.value.kind == "method"
    assert sources.requests == []
    poster = await client_of("127.0.0.1", private="127.0.0.1", methods=frozenset({"POST"}))
    with pytest.raises(PolicyViolation):
        await poster.get_json(url, {}, Anything)
    with pytest.raises(PolicyViolation):
        await poster.get_xml(url)
    assert sources.requests == []
    assert await poster.post_json(url, {"q": 1}, Anything) == Anything()
    (request,) = sources.requests
    assert (request.body, request.headers["content-type"]) == ({"q": 1}, "application/json")


async def test_a_query_by_post_is_not_sent_twice(sources: DataSources) -> None:
    sources.answer("/any", Json({}, 503))
    connectors = SourceConnections(Settings(use_fake_data=False, data_private_hosts="127.0.0.1"))
    policy = Policy(hosts=frozenset({"127.0.0.1"}), methods=frozenset({"POST"}))
    with pytest.raises(SourceUnavailable, match="HTTP 503"):
        await connectors.for_policy(policy, None).http.post_json(f"{sources.address}/any", {}, Anything)
    await connectors.aclose()
    assert len(sources.requests) == 1


async def pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def test_pieces_become_the_whole() -> None:
    assert await BoundedBody("", max_bytes=6).read(pieces(b"abc", b"def")) == b"abcdef"


async def test_gzip_unfolds_piece_by_piece() -> None:
    packed = gzip.compress(b"a" * 1000)
    body = BoundedBody("gzip", max_bytes=1000)
    assert await body.read(pieces(packed[:7], packed[7:])) == b"a" * 1000


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_one_byte_over_the_limit_is_refused(encoding: str) -> None:
    content = b"a" * 1001
    body = BoundedBody(encoding, max_bytes=1000)
    with pytest.raises(ResponseRejected, match="larger than DATA_MAX_BYTES=1000"):
        body.feed(gzip.compress(content) if encoding else content)


def test_a_bomb_takes_no_more_memory_than_the_limit() -> None:
    body = BoundedBody("gzip", max_bytes=1000)
    with pytest.raises(ResponseRejected):
        body.feed(gzip.compress(b"a" * 100_000_000))
    assert body._bytes_left == -1


async def test_a_gzip_stream_that_is_cut_off_is_refused() -> None:
    with pytest.raises(ResponseRejected, match="broken gzip"):
        await BoundedBody("gzip", max_bytes=1000).read(pieces(gzip.compress(b"abc")[:-4]))


def test_what_is_no_gzip_is_refused() -> None:
    with pytest.raises(ResponseRejected, match="broken gzip"):
        BoundedBody("gzip", max_bytes=1000).feed(b"plain text")


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, gzip"])
def test_an_encoding_that_was_not_asked_for_is_refused(encoding: str) -> None:
    with pytest.raises(ResponseRejected, match="content encoding"):
        BoundedBody(encoding, max_bytes=1000)


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


async def test_without_fake_data_the_source_is_asked_and_not_the_sample(sources: DataSources) -> None:
    sources.answer("/reading", Json(FINE))
    connectors = SourceConnections(Settings(use_fake_data=False, data_private_hosts="127.0.0.1"))
    outside = connectors.for_policy(LOOPBACK, SyncSample())
    answer = await outside.http.get_json(f"{sources.address}/reading", {"city": "Quito"}, Reading)
    await connectors.aclose()
    assert answer.city == "Lima"
    assert len(sources.requests) == 1


@pytest.mark.parametrize(("is_fake", "title"), [(True, "Open-Meteo (sample data)"), (False, "Open-Meteo")])
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
