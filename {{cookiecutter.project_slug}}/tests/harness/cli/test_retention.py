import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from langgraph.checkpoint.base.id import uuid6

from harness.cli import main
from harness.settings import Settings
from harness.storage.checkpoints import Checkpoints
from harness.storage.store import CheckpointAge
from tests.harness.storage.stores import keep, knows


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = f"sqlite:///{tmp_path}/threads.sqlite"
    if request.param == "postgresql":
        url = request.getfixturevalue("database_url")
    monkeypatch.setenv("DATABASE_URL", url)
    return url


async def fill(days: dict[str, int]) -> None:
    async with Checkpoints.open(Settings()) as store:
        for thread_id, age in days.items():
            first = CheckpointAge.first_id_of(datetime.now(UTC) - timedelta(days=age))
            await keep(store, thread_id, first + str(uuid6())[len(first) :])


async def known(threads: list[str]) -> list[str]:
    async with Checkpoints.open(Settings()) as store:
        return [it for it in threads if await knows(store, it)]


@pytest.mark.parametrize(
    ("arguments", "left"), [(["--days", "5"], ["d1"]), ([], ["d1", "d10"])], ids=["given", "set"]
)
def test_threads_older_than_the_limit_are_deleted(
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    left: list[str],
) -> None:
    monkeypatch.setenv("RETENTION_DAYS", "20")
    ages = {"d1": 1, "d10": 10, "d30": 30}
    asyncio.run(fill(ages))
    assert main(["retention", *arguments]) == 0
    assert capsys.readouterr().out == f"{len(ages) - len(left)} threads deleted\n"
    assert asyncio.run(known(list(ages))) == left


def test_a_limit_that_makes_no_sense_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["retention", "--days", "0"]) == 2
    assert "RETENTION_DAYS" in capsys.readouterr().err
