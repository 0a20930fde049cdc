"""Methods and keys: what a policy lets a request be, and which host learns a key."""

import pytest
from pydantic import SecretStr

from harness.errors import PolicyViolation, SourceUnavailable
from harness.settings import Settings
from harness.sources.policy import Policy
from harness.sources.resources import SourceConnections
from tests.harness.sources.test_addresses import Anything, client_of
from tests.support.peers.data_sources import DataSources, Json
from tests.support.peers.openai_replies import Body

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
        await connectors.for_policy(policy, None).http.post_json(
            f"{sources.address}/any", {}, Anything
        )
    await connectors.aclose()
    assert len(sources.requests) == 1
