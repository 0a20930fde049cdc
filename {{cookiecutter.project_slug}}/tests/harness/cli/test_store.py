import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.base.id import uuid6

from harness.cli import main
from harness.settings import Settings
from harness.storage.checkpoints import Checkpoints
from harness.storage.store import CheckpointAge, Feedback
from tests.harness.storage.stores import keep, knows, of


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


NOW = time.time()
DAY = 24 * 3600


async def rate() -> None:
    async with Checkpoints.open(Settings()) as store:
        for run_id, age_days in (("new", 0), ("old", 10)):
            config = of(f"{'a' * 32}:t1")
            config["metadata"] = {"run_id": run_id}
            await store.saver.aput(config, empty_checkpoint(), {}, {})
            told = Feedback(run_id, f"{'a' * 32}:t1", "up", "fine", NOW - age_days * DAY)
            assert await store.save_feedback(told)


@pytest.fixture
def _rated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/threads.sqlite")
    asyncio.run(rate())


@pytest.mark.checklist("OBS-6")
@pytest.mark.usefixtures("_rated")
@pytest.mark.parametrize(
    ("days", "found"),
    [
        (None, ["old", "new"]),
        (-1, ["new"]),
        (1, []),
    ],
)
def test_ratings_are_printed_as_json_lines(
    capsys: pytest.CaptureFixture[str], days: int | None, found: list[str]
) -> None:
    moment = datetime.fromtimestamp(NOW + (days or 0) * DAY, UTC).replace(tzinfo=None)
    assert main(["feedback", *(("--since", moment.isoformat()) if days else ())]) == 0
    lines = [orjson.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [it["run_id"] for it in lines] == found
    for line in lines:
        assert (line["owner"], line["thread_id"]) == ("a" * 32, "t1")
        assert (line["rating"], line["comment"]) == ("up", "fine")
        assert datetime.fromisoformat(line["given_at"]).tzinfo is not None


@pytest.mark.usefixtures("_rated")
def test_a_day_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["feedback", "--since", "yesterday"])
    assert "--since" in capsys.readouterr().err
