"""P10: the actions of the roles are the calls of the code; `test_rules.py` holds the templates to it."""

from pathlib import Path

import pytest

from tests.harness.aws.rights import TABLE, Calls, action, operations

pytestmark = pytest.mark.checklist("PERM-1", "PLAT-1")

SOURCE = """
client = import_module("boto3").client("dynamodb", config=config)
await asyncio.to_thread(self._client.put_item, TableName=table)
pages = client.get_paginator("list_tables")
other.converse(x)
"""


def test_calls_are_found_however_they_are_written() -> None:
    assert {*Calls.of(SOURCE)} == {("dynamodb", "put_item"), ("dynamodb", "list_tables")}
    assert [*Calls.of("client.put_item()")] == []


def test_a_new_call_asks_for_a_new_right(tmp_path: Path) -> None:
    (tmp_path / "store.py").write_text(SOURCE, encoding="utf-8")
    assert Calls.of_project(tmp_path)["dynamodb"] == {"put_item", "list_tables"}
    assert action("dynamodb", "list_tables") == "dynamodb:ListTables"


def test_models_are_asked_through_two_actions_and_the_guardrail_through_one() -> None:
    calls = Calls.of_project()["bedrock-runtime"]
    assert calls == {"converse", "converse_stream", "apply_guardrail"}


def test_the_tables_name_operations_that_exist() -> None:
    for service, table in TABLE["actions"].items():
        assert table.keys() <= operations(service).keys()
