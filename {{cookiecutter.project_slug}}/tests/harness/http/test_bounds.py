"""How many connections of one address are too many, and what a worker must read to know it."""

import os
import pickle
import subprocess
import sys
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from harness.http.bounds import BoundedConfig, Bounds
from harness.http.connection import BoundedConnection
from harness.limits.rate_limits import Rates
from harness.settings import Settings

SRC = Path(__file__).parents[3] / "src"


@pytest.mark.parametrize(
    ("host", "others", "is_passed"),
    [
        ("192.0.2.1", ["192.0.2.1"], True),
        ("192.0.2.1", ["192.0.2.2"], False),
        ("2001:db8::1", ["2001:db8::ffff"], True),
        ("10.1.2.3", ["10.1.2.3"] * 5, False),
        (None, [None] * 5, False),
    ],
)
def test_an_address_is_one_customer_and_a_trusted_proxy_is_many(
    host: str | None, others: list[str | None], is_passed: bool
) -> None:
    settings = Settings(trusted_proxies="10.0.0.0/8, 192.0.2.77")
    bounds = replace(Bounds.from_settings(settings), connections=1)
    assert ip_network("192.0.2.77/32") in bounds.proxies
    addresses = [Rates.network(it) for it in (*others, host)]
    for address in addresses:
        bounds.add(address)
    assert bounds.are_passed(addresses[-1], host) is is_passed
    for address in addresses:
        bounds.take_away(address)
    assert not bounds.open


def test_a_worker_reads_its_configuration_before_it_imports_the_service() -> None:
    """Its watcher ends it when it is silent for 5 s, and half a core takes that for the imports."""
    config = BoundedConfig(
        "harness.http.app:create_app", Bounds.from_settings(Settings()), log_config=None
    )
    code = "import pickle, sys; pickle.load(sys.stdin.buffer); print(*sys.modules)"
    sent = pickle.dumps(config)
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=sent,
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(SRC)},
    )
    imported = done.stdout.decode().split()
    assert "harness.http.bounds" in imported
    assert not {"harness.http.connection", "harness.settings", "fastapi", "pydantic"} & set(
        imported
    )
    config.load()
    assert config.http_protocol_class is BoundedConnection
