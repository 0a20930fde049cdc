import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from langgraph.checkpoint.base import empty_checkpoint

from harness.cli import main
from harness.settings import Settings
from harness.storage.checkpoints import Checkpoints
from harness.storage.store import Feedback
from tests.harness.storage.stores import of

NOW = time.time()
DAY = 24 * 3600


async def fill() -> None:
    async with Checkpoints.open(Settings()) as store:
        for run_id, age_days in (("new", 0), ("old", 10)):
            config = of(f"{'a' * 32}:t1")
            config["metadata"] = {"run_id": run_id}
            await store.saver.aput(config, empty_checkpoint(), {}, {})
            told = Feedback(run_id, f"{'a' * 32}:t1", "up", "fine", NOW - age_days * DAY)
            assert await store.save_feedback(told)


@pytest.fixture(autouse=True)
def _filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/threads.sqlite")
    asyncio.run(fill())


@pytest.mark.checklist("OBS-6")
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


def test_a_day_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["feedback", "--since", "yesterday"])
    assert "--since" in capsys.readouterr().err
