"""No test reaches the network: what leaves this machine is refused while the tests run."""

import socket

import httpx2
import pytest
from pytest_socket import SocketConnectBlockedError

from tests.support.peers.data_sources import FORECAST, DataSources

DOCUMENTATION_ADDRESS = "192.0.2.1"
"""Of the block that RFC 5737 keeps for examples: nobody answers there."""


@pytest.mark.checklist("TEST-8")
def test_a_connection_to_another_machine_is_refused_at_once() -> None:
    warned = pytest.warns(UserWarning, match=DOCUMENTATION_ADDRESS)
    with warned, pytest.raises(SocketConnectBlockedError) as stopped:
        socket.create_connection((DOCUMENTATION_ADDRESS, 80))
    assert DOCUMENTATION_ADDRESS in str(stopped.value)


@pytest.mark.checklist("TEST-8")
def test_a_peer_on_loopback_takes_a_data_sources_place() -> None:
    with DataSources() as sources, httpx2.Client() as client:
        reply = client.get(sources.environment["WEATHER_FORECAST_URL"])
        assert reply.json()["daily"]["time"]
        assert len(sources.asked(FORECAST)) == 1
