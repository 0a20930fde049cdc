"""The image, built once; its tests run in one process and only where they were asked for."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.container.machine import PROJECT, Checkout
from tools import containers
from tools.containers import Failed, Missing, ask, works


@pytest.fixture(scope="session")
def engine() -> str:
    if not os.environ.get("TEST_CONTAINERS"):
        pytest.skip("not asked for: `nox -s container` (TEST_CONTAINERS=1) builds and runs the image")
    try:
        return containers.engine()
    except Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def checkout(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A copy of the project with its first release."""
    dockerfile = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
    base = os.environ.get("BASE_IMAGE") or dockerfile.partition("ARG BASE_IMAGE=")[2].split()[0]
    if not works(engine, "image", "inspect", base):
        try:
            ask(engine, "pull", base)
        except Failed as failed:
            pytest.skip(f"the base image cannot be fetched: {failed}")
    checkout = Checkout(tmp_path_factory.mktemp("checkout"), engine)
    checkout.fill()
    checkout.release(Checkout.VERSIONS[0], "The first release")
    yield checkout
    checkout.remove_images()


@pytest.fixture(scope="session")
def image(checkout: Checkout) -> str:
    """The image of the first release."""
    begin = time.monotonic()
    name = checkout.build(Checkout.VERSIONS[0])
    (facts,) = json.loads(ask(checkout.engine, "image", "inspect", name))
    size = int(facts["Size"])
    took = time.monotonic() - begin
    print(f"\nimage: {size / 1e6:.0f} MB, built in {took:.0f} s")  # noqa: T201  # a figure to read
    return name


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """A folder for files that are mounted."""
    folder = tmp_path / "secrets"
    folder.mkdir(mode=0o755)
    return folder
