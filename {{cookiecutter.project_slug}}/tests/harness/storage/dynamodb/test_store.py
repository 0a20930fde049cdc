"""DynamoDB as the third store, beside what every store promises (`../test_store.py`). Tests of `places` and `saver`."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from langgraph.checkpoint.base import empty_checkpoint

from harness.errors import ConfigurationError, StoreUnavailable
from harness.runtime.moving import Conversations, MovedThread
from harness.settings import Settings
from harness.storage.records import Record
from harness.storage.sqlite import Checkpoints
from harness.storage.store import Feedback, Store
from tests.harness.storage.test_store import SOON, keep, knows, of, reply, run_that_degrades
from tests.support.stores.dynamodb import Moto

pytest.importorskip("boto3")

pytestmark = pytest.mark.slow

WORD = "planted-word"


@pytest.fixture
async def store(dynamodb_url: str) -> AsyncIterator[Store]:
    async with Checkpoints.open(Settings(database_url=dynamodb_url)) as store:
        yield store


def rows(moto: Moto, url: str) -> list[dict[str, Any]]:
    """Everything in the table, whoever could still read it."""
    pages = moto.client().get_paginator("scan").paginate(TableName=url.removeprefix("dynamodb://"))
    return [row for page in pages for row in page["Items"]]


def expire(moto: Moto, url: str) -> None:
    """Let the time of everything be over, and DynamoDB not have noticed yet."""
    for row in rows(moto, url):
        over = {**row, "ttl": {"N": str(int(time.time()) - 1)}}
        moto.client().put_item(TableName=url.removeprefix("dynamodb://"), Item=over)


def large() -> dict[str, Any]:
    """A checkpoint of a megabyte that no packing makes smaller."""
    return {**empty_checkpoint(), "channel_values": {"noise": os.urandom(1_000_000)}}


async def everything(store: Store, thread_id: str, run_id: str) -> None:
    """One of each thing that is kept of a thread."""
    for name in (thread_id, f"{thread_id} writer"):
        config = {**of(name), "metadata": {"run_id": run_id, "note": WORD}}
        saved = await store.saver.aput(config, large(), {}, {})  # type: ignore[arg-type]
        await store.saver.aput_writes(saved, [("one", WORD), ("two", os.urandom(500_000))], "task")
    await store.save_reply(replace(reply(f"k1 {run_id}", thread_id, SOON), reply=WORD))
    await store.propose(reply(f"k2 {run_id}", thread_id, SOON))
    assert await store.save_feedback(Feedback(run_id, thread_id, "up", WORD, time.time()))
    assert await store.records.save(Record("a2a", "ana", f"k {run_id}", thread_id, WORD))


async def test_a_deletion_leaves_nothing_in_the_table_also_of_what_had_expired(
    store: Store, moto: Moto, dynamodb_url: str
) -> None:
    await everything(store, "t1", "r1")
    await store.delete_thread("t1")
    assert rows(moto, dynamodb_url) == []
    await everything(store, "t2", "r2")
    expire(moto, dynamodb_url)
    await store.delete_thread("t2")
    left = rows(moto, dynamodb_url)
    assert left == []


async def test_a_conversation_from_elsewhere_ages_from_its_last_turn(
    store: Store, moto: Moto, dynamodb_url: str
) -> None:
    turn = {"question": "x", "language": "en", "answer": "y", "agents": [], "asked": False}
    settings, now, day = Settings(), datetime.now(UTC), timedelta(days=1)
    conversations, kept = Conversations(store, settings), settings.retention_days * day
    for name, moment in {"t1": now - 10 * day, "t2": now - kept - 2 * day}.items():
        given = {"version": 1, "owner": "", "thread_id": name, "updated_at": moment, "history": [turn]}
        moved = MovedThread.model_validate(given, strict=False)
        assert await conversations.take(moved, overwrites=False) == "imported"
    ends = {it["PK"]["S"].removeprefix("thread#"): float(it["ttl"]["N"]) for it in rows(moto, dynamodb_url)}
    assert abs(ends["t1"] - (now - 9 * day + kept).timestamp()) < 60
    assert [it.thread_id async for it in conversations.all()] == ["t1"]


async def test_what_has_expired_is_read_by_nobody_and_may_be_made_anew(
    store: Store, moto: Moto, dynamodb_url: str
) -> None:
    await everything(store, "t", "r")
    await store.memory("a").aput(("n",), "k", {"v": 1})
    assert all(float(it["ttl"]["N"]) > time.time() for it in rows(moto, dynamodb_url))
    expire(moto, dynamodb_url)
    assert not await knows(store, "t")
    assert [it async for it in store.saver.alist(of("t"))] == []
    assert await store.find_thread("r") is None
    assert await store.find_reply("k1 r") is None
    assert await store.proposals("t") == {}
    assert await store.records.find("a2a", "ana", "k r") is None
    assert await store.records.list("a2a", "ana", 9) == []
    assert [it async for it in store.feedback_since(0)] == []
    assert await store.memory("a").aget(("n",), "k") is None
    assert not await store.save_feedback(Feedback("r", "t", "up", None, time.time()))
    await keep(store, "t")
    assert await knows(store, "t")
    assert await store.records.save(Record("a2a", "ana", "k r", "t", WORD))


async def test_the_table_forgets_by_itself_a_day_after_the_days_of_retention(moto: Moto, dynamodb_url: str) -> None:
    async with Checkpoints.open(Settings(database_url=dynamodb_url, retention_days=7)) as store:
        await everything(store, "t", "r")
    kept = [it for it in rows(moto, dynamodb_url) if "until" not in it and not it["SK"]["S"].startswith("k#")]
    days = {round((float(it["ttl"]["N"]) - time.time()) / 86_400) for it in kept}
    assert days == {8}
    assert len(kept) > 10


async def test_a_checkpoint_of_a_megabyte_comes_back_as_it_was(store: Store, moto: Moto, dynamodb_url: str) -> None:
    first, second = large(), large()
    early, last = os.urandom(900_000), os.urandom(400_000)
    await store.saver.aput(of("t"), first, {"step": 1}, {})  # type: ignore[arg-type]
    saved = await store.saver.aput(of("t"), second, {"step": 1}, {})  # type: ignore[arg-type]
    for value in (early, last):
        await store.saver.aput_writes(saved, [("__error__", value)], "task")  # the last one counts
    assert max(len(str(it)) for it in rows(moto, dynamodb_url)) < 2_000_000
    found = await store.saver.aget_tuple(of("t"))
    assert found
    assert found.checkpoint == second
    assert found.pending_writes == [("task", "__error__", last)]
    listed = [it.checkpoint["id"] async for it in store.saver.alist(of("t"), filter={"step": 1})]
    assert listed == [second["id"], first["id"]]
    assert [it async for it in store.saver.alist(of("t"), filter={"step": 2})] == []
    assert [it.checkpoint["id"] async for it in store.saver.alist(of("t"), before=saved)] == [first["id"]]
    assert [it.checkpoint["id"] async for it in store.saver.alist(of("t"), limit=1)] == [second["id"]]
    with pytest.raises(ValueError, match="name a thread"):
        await anext(store.saver.alist(None))


async def test_a_checkpoint_that_is_half_there_is_none(store: Store, moto: Moto, dynamodb_url: str) -> None:
    await store.saver.aput(of("t"), large(), {}, {})  # type: ignore[arg-type]
    piece = next(it for it in rows(moto, dynamodb_url) if it["SK"]["S"].startswith("g#p#"))
    key = {"PK": piece["PK"], "SK": piece["SK"]}
    moto.client().delete_item(TableName=dynamodb_url.removeprefix("dynamodb://"), Key=key)
    assert not await knows(store, "t")
    await store.delete_thread("t")
    assert rows(moto, dynamodb_url) == []


async def test_a_call_is_claimed_by_one_of_twenty_in_two_processes_stores(dynamodb_url: str) -> None:
    settings = Settings(database_url=dynamodb_url)
    async with Checkpoints.open(settings) as one, Checkpoints.open(settings) as other:
        await one.propose(reply("key", "t", SOON))
        claims = [replace(reply("key", "t", SOON), request=f"decision {n}", reply="") for n in range(20)]
        stores = [one, other] * 10
        taken = await asyncio.gather(*(it.claim(claim, "r") for it, claim in zip(stores, claims, strict=True)))
        assert sorted(taken) == [False] * 19 + [True]
        assert await other.find_reply("key") == claims[taken.index(True)]


@pytest.mark.parametrize(
    ("url", "more", "problem"),
    [
        ("dynamodb://none", {}, r"cannot use the table none \(ResourceNotFoundException\)"),
        ("dynamodb://none?region=eu-north-1", {}, r"ResourceNotFoundException"),
        ("dynamodb://none", {"AWS_REGION": ""}, r"NoRegionError"),
        ("dynamodb://none", {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, r"NoCredentialsError"),
        ("dynamodb://none", {"AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:9"}, r"EndpointConnectionError"),
    ],
)
async def test_a_table_that_cannot_be_used_is_told_at_start(
    dynamodb_url: str, monkeypatch: pytest.MonkeyPatch, url: str, more: Mapping[str, str], problem: str
) -> None:
    for name, value in {**more, "AWS_SHARED_CREDENTIALS_FILE": "/none", "AWS_CONFIG_FILE": "/none"}.items():
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name)
    with pytest.raises(ConfigurationError, match=rf"DATABASE_URL: .*{problem}"):
        async with Checkpoints.open(Settings(database_url=url)):
            pytest.fail("opened")


async def test_a_table_without_its_index_is_told_at_start(dynamodb_url: str, moto: Moto) -> None:
    keys = [{"AttributeName": name, "AttributeType": "S"} for name in ("PK", "SK")]
    schema = [{"AttributeName": name, "KeyType": kind} for name, kind in (("PK", "HASH"), ("SK", "RANGE"))]
    moto.client().create_table(
        TableName="plain", AttributeDefinitions=keys, KeySchema=schema, BillingMode="PAY_PER_REQUEST"
    )
    with pytest.raises(ConfigurationError, match="with its index"):
        async with Checkpoints.open(Settings(database_url="dynamodb://plain")):
            pytest.fail("opened")


@pytest.mark.parametrize("url", ["dynamodb://", "dynamodb://a b", "dynamodb://t?x=1", "dynamo://t", "dynamodb://t/u"])
def test_an_address_of_another_form_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"dynamodb://table\?region=name"):
        Settings(database_url=url)


def test_a_driver_that_is_not_installed_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    for name in ("store", "table", "leases", "memories", "records", "saver"):
        monkeypatch.delitem(sys.modules, f"harness.storage.dynamodb.{name}", raising=False)
    with pytest.raises(ConfigurationError, match=r"DATABASE_URL: install the extra \[bedrock\]"):
        Checkpoints.open(Settings(database_url="dynamodb://t"))


async def test_a_table_that_is_away_costs_a_turn_its_memory_and_nothing_else(mortal_moto: Moto) -> None:
    settings = Settings(database_url=mortal_moto.make_table("mortal"), database_timeout_seconds=1)
    async with Checkpoints.open(settings) as store:
        await keep(store, "t")
        mortal_moto.pause()
        with run_that_degrades() as status:
            async with store.lock("thread t", 5):
                assert await store.saver.aget_tuple(of("t")) is None
                await keep(store, "t")
            assert status.failed
        with pytest.raises(StoreUnavailable):
            await store.find_reply("key")
        with pytest.raises(StoreUnavailable):
            async with store.lock("thread t", 5):
                pytest.fail("locked")
        assert not await store.is_healthy()
        mortal_moto.resume()
        tries = [await store.is_healthy() for _ in range(10)]  # the first one may still meet what hung
        assert any(tries)
        assert await knows(store, "t")
