"""Two processes of a service on one table, from outside."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from harness.storage.checkpoint_ids import CheckpointIds
from tests.harness.storage.dynamodb.test_store import rows
from tests.support.processes import PROJECT, Process, processes
from tests.support.stores.dynamodb import Moto

pytestmark = pytest.mark.slow

MARS = "How many moons has Mars?"


def ask(process: Process, message: str, key: str = "", thread_id: str = "t1") -> dict[str, Any]:
    headers = {"Idempotency-Key": key} if key else {}
    reply = process.client.post("/v1/chat", json={"message": message, "thread_id": thread_id}, headers=headers)
    assert reply.status_code == 200, reply.text
    return dict(reply.json())


def approve(process: Process, approval: str) -> httpx2.Response:
    return process.client.post(f"/v1/threads/t2/approvals/{approval}", json={"decision": "approve"})


def test_two_processes_share_threads_replies_and_approvals(dynamodb_url: str, moto: Moto, tmp_path: Path) -> None:
    settings = {**moto.environment, "DATABASE_URL": dynamodb_url, "TURN_WAIT_SECONDS": "30"}
    with processes(2, settings, tmp_path) as (one, other):
        first = ask(one, MARS, "key-1")
        assert first == ask(other, MARS, "key-1")  # a second try
        assert ask(other, "And Saturn?")["answer"] == "saturn has 146 moons."  # a follow-up
        with ThreadPoolExecutor(8) as pool:  # turns of one thread, one after the other
            replies = list(pool.map(ask, [one, other] * 4, [MARS] * 8))
        assert {it["answer"] for it in replies} == {first["answer"]}
        path = "/v1/threads/t1"
        assert len(other.client.get(path).json()["messages"]) == 12  # the last six exchanges
        (call,) = ask(one, "Cancel order 7", thread_id="t2")["approvals"]
        with ThreadPoolExecutor(20) as pool:
            decided = list(pool.map(approve, [one, other] * 10, [call["id"]] * 20))
        assert 200 in {it.status_code for it in decided}
        assert (tmp_path / "cancelled").read_text(encoding="utf-8").split() == ["7"]
        assert one.client.delete(path).status_code == 204
        assert other.client.get(path).status_code == 404
        assert not [it for it in rows(moto, dynamodb_url) if "t1" in it["PK"]["S"]]
        assert other.client.get("/readyz").is_success
    assert "Traceback" not in one.log + other.log


def test_the_command_deletes_what_is_old(dynamodb_url: str, moto: Moto, tmp_path: Path) -> None:
    settings = {**moto.environment, "DATABASE_URL": dynamodb_url}
    with processes(1, settings, tmp_path) as (one,):
        ask(one, MARS)
        ask(one, MARS, thread_id="t2")
    (mark,) = [it for it in rows(moto, dynamodb_url) if it["SK"]["S"] == "m#" and it["PK"]["S"] == "thread#t1"]
    mark["at"] = {"S": CheckpointIds.first(datetime.now(UTC) - timedelta(days=2))}
    moto.client().put_item(TableName=dynamodb_url.removeprefix("dynamodb://"), Item=mark)
    environment = {**os.environ, **settings, "PYTHONPATH": os.pathsep.join([str(PROJECT / "src"), str(PROJECT)])}
    for told in ("1 threads deleted", "0 threads deleted"):
        command = [sys.executable, "-m", "app", "retention", "--days", "1"]
        ended = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert told in ended.stdout, ended.stderr
    assert {it["PK"]["S"] for it in rows(moto, dynamodb_url) if "thread" in it["PK"]["S"]} == {"thread#t2"}
