"""The provider's keys while it is away, slow, wrong, or asked for keys that it never had."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from harness.auth.oidc import ProviderKeys
from harness.errors import ConfigurationError, IdentityUnavailable, Unauthenticated
from harness.settings import Settings
from tests.conftest import Door
from tests.support.peers.data_sources import Drop, Json
from tests.support.peers.oidc_provider import KEYS, METADATA, OidcProvider
from tests.support.peers.openai_faults import Html
from tests.support.peers.openai_replies import Hang, Reply

TTL = 3600.0
COOLDOWN = 30.0


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def keys(trusting: Settings, clock: Clock) -> AsyncIterator[ProviderKeys]:
    keys = ProviderKeys(trusting, clock)
    yield keys
    await keys.aclose()


async def find(keys: ProviderKeys, key_id: str | None = "key-1") -> None:
    assert (await keys.find(key_id, "RS256")).algorithm_name == "RS256"


async def test_the_keys_are_fetched_once_for_many_tokens(keys: ProviderKeys, provider: OidcProvider) -> None:
    assert provider.requests == []
    await asyncio.gather(*(find(keys) for _ in range(20)))
    assert (provider.asked(METADATA), provider.asked(KEYS)) == (1, 1)


@pytest.mark.checklist("COST-1")
async def test_invented_key_ids_cost_the_provider_one_request_in_a_while(
    keys: ProviderKeys, provider: OidcProvider, clock: Clock
) -> None:
    await find(keys)
    for waited, fetched in ((0.0, 2), (COOLDOWN - 1, 2), (1.0, 3)):
        clock.now += waited
        tries = (keys.find(f"invented-{number}", "RS256") for number in range(50))
        refused = await asyncio.gather(*tries, return_exceptions=True)
        assert {type(it) for it in refused} == {Unauthenticated}
        assert provider.asked(KEYS) == fetched
        await find(keys)


@pytest.mark.checklist("COST-1")
async def test_while_the_provider_is_away_known_keys_go_on_until_their_time_is_over(
    keys: ProviderKeys, provider: OidcProvider, clock: Clock
) -> None:
    await find(keys)
    provider.answer(METADATA, Drop())
    for waited in (TTL / 2, TTL / 4):  # it is tried in the background
        clock.now += waited
        await find(keys)
        await until_refreshed(keys)
        assert keys.problem
    assert provider.asked(METADATA) == 3
    with pytest.raises(IdentityUnavailable):  # it may have this key by now
        await keys.find("key-2", "RS256")
    clock.now += TTL / 4
    for _ in range(3):
        with pytest.raises(IdentityUnavailable):
            await find(keys)
    assert provider.asked(METADATA) == 4
    provider.answer(METADATA)
    clock.now += COOLDOWN
    await find(keys)
    assert keys.problem is None


async def until_refreshed(keys: ProviderKeys) -> None:
    if keys.refreshing is not None:
        await asyncio.wait([keys.refreshing])


async def test_keys_are_fetched_anew_in_the_background_after_half_their_time(
    keys: ProviderKeys, provider: OidcProvider, clock: Clock
) -> None:
    await find(keys)
    clock.now += TTL / 2 - 1
    await find(keys)
    assert keys.refreshing is None
    provider.rotate()
    clock.now += 1
    await find(keys)  # still the one that was known
    await until_refreshed(keys)
    assert provider.asked(KEYS) == 2
    await find(keys, "key-2")
    assert provider.asked(KEYS) == 2


WRONG: dict[str, tuple[str, Reply, str]] = {
    "no answer": (METADATA, Drop(), "RemoteProtocolError"),
    "an error": (METADATA, Json({}, 500), "HTTP 500"),
    "a redirect": (METADATA, Json({}, 302), "HTTP 302"),
    "a page": (METADATA, Html(), "no Discovery document"),
    "no metadata": (METADATA, Json({"issuer": 1}), "no Discovery document"),
    "another issuer": (
        METADATA,
        Json({"issuer": "http://evil.example", "jwks_uri": "http://evil.example/keys"}),
        "its metadata name another issuer than OIDC_ISSUER",
    ),
    "no keys document": (KEYS, Json({"keys": "none"}), "no KeySet document"),
    "no key": (KEYS, Json({"keys": []}), "it has no key for signatures"),
    "only secrets": (
        KEYS,
        Json({"keys": [{"kty": "oct", "kid": "key-1", "k": "AAAA"}]}),
        "it has no key for signatures",
    ),
    "too much": (KEYS, Json({"keys": [], "more": "x" * 1_000_001}), "more than 1000000 bytes"),
}


@pytest.mark.checklist("COST-1")
@pytest.mark.parametrize("kind", WRONG)
async def test_a_provider_that_answers_wrong_is_away_and_nobody_is_let_in(
    door: Door, trusting: Settings, provider: OidcProvider, kind: str
) -> None:
    path, reply, problem = WRONG[kind]
    provider.answer(path, reply)
    client = await door.open(trusting)
    headers = {"Authorization": f"Bearer {provider.token()}"}
    for _ in range(2):
        answer = await client.get("/v1/agents", headers=headers)
        assert answer.status_code == 503
        assert answer.json()["type"] == "urn:problem:identity-unavailable"
        assert int(answer.headers["retry-after"]) > 0
    assert provider.asked(METADATA) == 1  # not asked again at once
    ready = await client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["callers"]["provider_problem"] == problem


async def test_a_provider_that_hangs_is_waited_for_no_longer_than_the_setting_says(
    trusting: Settings, provider: OidcProvider
) -> None:
    provider.answer(KEYS, Hang())
    keys = ProviderKeys(trusting.model_copy(update={"oidc_timeout_seconds": 0.05}))
    with pytest.raises(IdentityUnavailable, match="no answer in 0.05 s"):
        await asyncio.wait_for(keys._download(), timeout=5)
    await keys.aclose()


async def test_keys_over_an_open_line_are_none_of_an_issuers_with_https(
    trusting: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = trusting.model_copy(update={"oidc_issuer": "https://login.example"})
    keys = ProviderKeys(settings)
    metadata = {"issuer": "https://login.example", "jwks_uri": "http://login.example/keys"}

    async def read(url: str, model: type) -> object:
        return model(**metadata)

    monkeypatch.setattr(keys, "_read", read)
    with pytest.raises(IdentityUnavailable, match="jwks_uri is not https"):
        await keys._download()
    await keys.aclose()


async def test_a_token_may_leave_out_the_id_of_the_only_key(keys: ProviderKeys, provider: OidcProvider) -> None:
    only = next(key for key in provider.keys()["keys"] if key["kid"] == "key-1")
    provider.answer(KEYS, Json({"keys": [only]}))
    await find(keys, None)


async def test_a_key_that_is_none_is_refused(keys: ProviderKeys, provider: OidcProvider) -> None:
    broken = {"kty": "RSA", "kid": "key-1", "n": "AQ"}
    provider.answer(KEYS, Json({"keys": [broken]}))
    with pytest.raises(Unauthenticated) as refusal:
        await keys.find("key-1", "RS256")
    assert refusal.value.reason == "unusable_key"


async def test_the_end_does_not_wait_for_a_provider_that_hangs(
    trusting: Settings, provider: OidcProvider, clock: Clock
) -> None:
    keys = ProviderKeys(trusting, clock)
    await find(keys)
    provider.answer(METADATA, Hang())
    clock.now += TTL / 2
    await find(keys)
    await asyncio.wait_for(keys.aclose(), timeout=5)
    assert keys.refreshing is None


def test_a_proxy_that_cannot_be_used_is_named_before_any_token_comes(
    trusting: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks4://127.0.0.1:1")
    with pytest.raises(ConfigurationError, match="ALL_PROXY"):
        ProviderKeys(trusting)
