"""The table itself: what is said to DynamoDB once, twice, and in pages. Tests of `memories` and `records` are `../`'s."""

import os
from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson
import pytest

from harness.settings import Settings
from harness.storage.dynamodb.store import DynamoStore
from harness.storage.dynamodb.table import Table
from harness.storage.sqlite import Checkpoints
from tests.harness.aws.templates import Templates
from tests.support.stores.dynamodb import TABLE

END = 4_000_000_000

pytestmark = pytest.mark.slow


def test_the_table_that_is_deployed_is_the_one_that_is_tested() -> None:
    (deployed,) = Templates.load().resources("AWS::DynamoDB::Table")
    tested = orjson.loads(TABLE.read_bytes())
    assert {name: deployed.properties[name] for name in tested} == tested
    assert deployed.properties["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}


@pytest.fixture
async def table(dynamodb_url: str) -> AsyncIterator[Table]:
    async with Checkpoints.open(Settings(database_url=dynamodb_url)) as store:
        assert isinstance(store, DynamoStore)
        yield store._table


async def test_a_write_whose_answer_was_lost_is_known_when_it_is_repeated(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = table._run

    async def twice(call: Callable[[], Any]) -> Any:
        await run(call)
        return await run(call)

    monkeypatch.setattr(table, "_run", twice)
    assert await table.put({"PK": "p", "SK": "s", "ttl": END}, "attribute_not_exists(#PK)")
    assert not await table.put({"PK": "p", "SK": "s", "ttl": END}, "attribute_not_exists(#PK)")


async def test_items_come_in_order_over_any_number_of_pages(table: Table) -> None:
    keys = [("p", f"{number:03}") for number in range(9)]
    for key in keys:
        await table.put({"PK": key[0], "SK": key[1], "data": os.urandom(300_000), "ttl": END})
    await table.put({"PK": "p", "SK": "005", "data": b"", "ttl": 1})  # expired
    left = [it for it in keys if it[1] != "005"]
    assert [(it["PK"], it["SK"]) async for it in table.query("p", only="PK SK")] == left
    assert [it["SK"] async for it in table.query("p", backwards=True, limit=2)] == ["008", "007"]
    assert [it["SK"] async for it in table.query("p", "00", is_fresh=False, only="SK")] == [it[1] for it in keys]
    assert len(await table.get_all([*keys, ("p", "none")])) == 8


async def test_more_is_read_and_deleted_than_one_request_holds(table: Table) -> None:
    keys = [("p", f"{number:03}") for number in range(Table.MOST_READ + 1)]
    for key in keys:
        await table.put({"PK": key[0], "SK": key[1], "ttl": END})
    assert len(await table.get_all(keys)) == len(keys)
    await table.delete_all(keys)
    assert [it async for it in table.query("p")] == []


async def test_what_was_throttled_in_a_batch_is_sent_again(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    await table.put({"PK": "p", "SK": "s", "ttl": END})
    run, told = table._run, [0]

    async def half(call: Any) -> Any:
        if told[0] < 2:
            told[0] += 1
            return {"Responses": {}, "UnprocessedKeys": call.keywords["RequestItems"]}
        return await run(call)

    monkeypatch.setattr(table, "_run", half)
    assert len(await table.get_all([("p", "s")])) == 1
