"""No private address, whatever its form, its name, or what the name means a moment later."""

import ipaddress
import socket
from collections.abc import Sequence
from typing import Any

import httpcore2
import httpx2
import pytest
from pydantic import BaseModel

from harness.errors import ConfigurationError, PolicyViolation, SourceUnavailable
from harness.settings import Settings
from harness.sources.addresses import PinnedBackend, PublicAddresses, SsrfSafeTransport
from harness.sources.http import HttpClient
from harness.sources.policy import Policy
from harness.sources.resources import SourceConnections
from tests.support.peers.data_sources import DataSources, Json

PUBLIC = "93.184.215.14"

LITERALS = [
    "127.0.0.1",
    "2130706433",
    "0x7f000001",
    "0177.1",
    "127.1",
    "127.0.0.2",
    "0.0.0.0",
    "0",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[fe80::1]",
    "[fd00::1]",
    "169.254.169.254",
    "[fd00:ec2::254]",
    "100.100.100.200",
    "10.0.0.7",
    "172.16.0.1",
    "192.168.0.1",
    "255.255.255.255",
    "224.0.0.1",
    "localhost",
    "localhost.",
]


class Anything(BaseModel):
    """Whatever came."""


class Names:
    """A resolver that answers what a test says, one answer after the other."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: dict[str, list[Sequence[str]]] = {}
        self._real = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self._answer)

    def _answer(self, host: str, port: int, *more: Any, **named: Any) -> Any:
        answers = self.answers.get(host)
        if answers is None:
            return self._real(host, port, *more, **named)
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (it, port)) for it in found]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    return Names(monkeypatch)


class Dialled:
    """Stands for the network: notes where a connection would have gone."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *unreachable: str) -> None:
        self.addresses: list[str] = []
        self._unreachable = unreachable
        outer = self

        async def connect_tcp(_: object, host: str, *more: Any) -> httpcore2.AsyncNetworkStream:
            outer.addresses.append(host)
            if host in outer._unreachable:
                raise httpcore2.ConnectError("planted")
            raise httpcore2.ConnectTimeout("no network in tests")

        monkeypatch.setattr(httpcore2.AnyIOBackend, "connect_tcp", connect_tcp)


async def client_of(*hosts: str, private: str | None = None, **more: Any) -> HttpClient:
    connectors = SourceConnections(Settings(use_fake_data=False, data_max_retries=0, data_private_hosts=private))
    return connectors.for_policy(Policy(hosts=frozenset(hosts), **more), None).http


@pytest.mark.checklist("SCN-2")
@pytest.mark.parametrize("literal", LITERALS)
async def test_a_private_address_is_refused_in_every_form_though_the_policy_names_it(
    sources: DataSources, literal: str
) -> None:
    url = f"http://{literal}:{sources.address.rpartition(':')[2]}/v1/latest"
    http = await client_of(httpx2.URL(url).host)
    with pytest.raises((PolicyViolation, SourceUnavailable)) as refusal:
        await http.get_json(url, {}, Anything)
    assert sources.requests == []
    assert getattr(refusal.value, "kind", "address") == "address"


@pytest.mark.checklist("SCN-2")
@pytest.mark.parametrize("literal", [*LITERALS, "127.0.0.1@api.example", "api.example@127.0.0.1"])
async def test_and_where_the_policy_does_not_name_it_nothing_is_even_looked_up(
    sources: DataSources, monkeypatch: pytest.MonkeyPatch, literal: str
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("looked up"))
    http = await client_of("api.example")
    with pytest.raises(PolicyViolation) as refusal:
        await http.get_json(f"http://{literal}/", {}, Anything)
    assert refusal.value.kind == "host"


@pytest.mark.checklist("SCN-2")
@pytest.mark.parametrize("answer", [["127.0.0.1"], [PUBLIC, "10.0.0.7"], ["fe80::1%eth0"]])
async def test_a_name_of_a_private_address_is_refused_also_beside_a_public_one(
    sources: DataSources, names: Names, answer: Sequence[str]
) -> None:
    names.answers["api.example"] = [answer]
    http = await client_of("api.example")
    url = f"http://api.example:{sources.address.rpartition(':')[2]}/v1/latest"
    with pytest.raises(PolicyViolation, match="name the host in DATA_PRIVATE_HOSTS"):
        await http.get_json(url, {}, Anything)
    assert sources.requests == []


@pytest.mark.checklist("SCN-2")
async def test_the_address_that_was_checked_is_the_one_that_is_used(
    names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialled = Dialled(monkeypatch)
    names.answers["rebind.example"] = [[PUBLIC], ["127.0.0.1"]]
    http = await client_of("rebind.example")
    with pytest.raises(SourceUnavailable):
        await http.get_json("http://rebind.example/", {}, Anything)
    assert dialled.addresses == [PUBLIC]
    with pytest.raises(PolicyViolation):  # the second look-up is checked as the first one was
        await http.get_json("http://rebind.example/", {}, Anything)
    assert dialled.addresses == [PUBLIC]


async def test_the_next_address_is_tried_when_one_takes_no_connection(
    names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = "93.184.215.15"
    dialled = Dialled(monkeypatch, PUBLIC)
    names.answers["api.example"] = [[PUBLIC, second]]
    with pytest.raises(httpcore2.ConnectTimeout):
        await PinnedBackend([]).connect_tcp("api.example", 80)
    assert dialled.addresses == [PUBLIC, second]


@pytest.mark.parametrize("private", ["127.0.0.1", "db.example , 127.0.0.1"])
async def test_a_host_that_may_be_private_is_reached(sources: DataSources, private: str) -> None:
    sources.answer("/any", Json({}))
    http = await client_of("127.0.0.1", private=private)
    assert await http.get_json(f"{sources.address}/any", {}, Anything) == Anything()


def test_hosts_that_may_be_private_are_a_list_without_addresses_of_pages() -> None:
    assert Settings().private_hosts == frozenset()
    assert Settings(data_private_hosts="A.example , b").private_hosts == {"a.example", "b"}
    for wrong in ("http://a.example", "a.example/x", "user@a", "a,,b", "a b"):
        with pytest.raises(ConfigurationError, match="DATA_PRIVATE_HOSTS"):
            Settings(data_private_hosts=wrong)


async def test_a_resolver_that_fails_is_an_unavailable_source(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror("planted")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(SourceUnavailable, match="ConnectError"):
        await (await client_of("api.example")).get_json("http://api.example/", {}, Anything)


async def test_a_name_without_an_address_is_an_unavailable_source(names: Names) -> None:
    names.answers["api.example"] = [[]]
    with pytest.raises(SourceUnavailable, match="ConnectError"):
        await (await client_of("api.example")).get_json("http://api.example/", {}, Anything)


async def test_sockets_of_this_machine_are_not_opened() -> None:
    with pytest.raises(PolicyViolation):
        await PinnedBackend(["localhost"]).connect_unix_socket("/run/docker.sock")


def test_a_library_that_opens_connections_elsewhere_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(httpx2.AsyncHTTPTransport, "__init__", lambda self: setattr(self, "_pool", object()))
    with pytest.raises(TypeError, match="nothing would be checked"):
        SsrfSafeTransport([])


@pytest.mark.parametrize(
    "address",
    [
        PUBLIC,
        "2606:2800:21f:cb07:6820:80da:af6b:8b2c",
        "2a00:1450::1",
        "64:ff9b::5db8:d70e",
        "::ffff:8.8.8.8",
        "192.0.1.1",
    ],
)
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert PublicAddresses.holds(address)


@pytest.mark.parametrize(
    "address",
    [
        "192.0.0.8",
        "192.0.0.9",  # anycast: reachable, yet no data source's
        "192.0.0.192",
        "192.88.99.2",
        "192.175.48.1",
        "168.63.129.16",
        "198.19.255.255",
        "233.252.0.1",
        "240.0.0.1",
        "fec0::1",
        "3fff::1",
        "3fff:fff:ffff::1",
        "5f00::1",
        "100::1",
        "100:0:0:1::1",
        "64:ff9b:1::808:808",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b::168.63.129.16",
        "::ffff:168.63.129.16",
        "::7f00:1",
        "2001::1",
        "2001:2::1",
        "2001:20::1",
        "2001:db8::1",
        "2002:5db8:d70e::1",
        "2620:4f:8000::1",
        "4000::1",
        "ff0e::1",
        "fe80::1%eth0",
    ],
)
def test_addresses_for_special_purposes_are_not_public(address: str) -> None:
    assert not PublicAddresses.holds(address)


def test_what_this_python_calls_private_is_in_the_table() -> None:
    for constants in (ipaddress._IPv4Constants, ipaddress._IPv6Constants):  # type: ignore[attr-defined] # its own
        for network in constants._private_networks:
            mapped = str(network) == "::ffff:0:0/96"  # what is inside decides
            assert mapped or not PublicAddresses.holds(str(network[0])), network
            assert mapped or not PublicAddresses.holds(str(network[-1])), network


async def test_a_proxy_that_is_set_gets_the_requests_of_allowed_hosts(sources: DataSources) -> None:
    sources.answer("/any", Json({}))
    connectors = SourceConnections(Settings(use_fake_data=False, data_proxy_url=sources.address))
    http = connectors.for_policy(Policy(hosts=frozenset({"api.example"})), None).http
    assert await http.get_json("http://api.example/any", {}, Anything) == Anything()
    with pytest.raises(PolicyViolation):
        await http.get_json("http://other.example/any", {}, Anything)
    await connectors.aclose()
    assert [request.path for request in sources.requests] == ["http://api.example/any"]


def test_a_file_of_certificates_that_is_gone_is_named_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/no/such/file.pem")
    with pytest.raises(ConfigurationError, match="SSL_CERT_FILE: there is no such file"):
        SourceConnections(Settings(use_fake_data=False))
    SourceConnections(Settings(use_fake_data=True))
