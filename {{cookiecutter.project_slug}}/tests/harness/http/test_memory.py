"""What agents remember of a caller, at the door."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest

from harness.auth.api_key import NewKey
from harness.auth.principal import Principal, Scope
from harness.http.memory import MemoryRoutes
from harness.settings import Settings
from tests.conftest import Door

ANA = NewKey.make("ana", [Scope.THREADS], None)
EVE = NewKey.make("eve", [Scope.THREADS], None)
ASKER = NewKey.make("ana", [Scope.CHAT], None)


def as_(key: NewKey) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {key.text}"}


@pytest.fixture
async def guarded(door: Door, url: str, tmp_path: Path) -> httpx2.AsyncClient:
    """The service that knows the callers above, and remembers something of two of them."""
    file = tmp_path / "keys.jsonl"
    file.write_text("".join(f"{key.record.line}\n" for key in (ANA, EVE, ASKER)))
    client = await door.open(Settings(database_url=url, authentication="keys", api_keys_file=file))
    for key in (ANA, EVE):
        memory = door.running.store.memory(Principal.from_key(key.record.name, ()).id)
        for number in range(3):
            await memory.aput(("taste", key.record.name), f"k{number}", {"likes": number})
    return client


@pytest.mark.checklist("COST-1")
async def test_a_caller_reads_and_deletes_its_own_alone(guarded: httpx2.AsyncClient) -> None:
    page = (await guarded.get("/v1/memory", headers=as_(ANA))).json()
    assert [(it["namespace"], it["key"]) for it in page["items"]] == [(["taste", "ana"], f"k{n}") for n in range(3)]
    assert page["items"][1]["value"] == {"likes": 1}
    assert page["items"][0]["updated_at"].endswith("+00:00")
    assert page["next"] is None
    deleted = await guarded.delete("/v1/memory", headers=as_(ANA))
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert (await guarded.get("/v1/memory", headers=as_(ANA))).json() == {"items": [], "next": None}
    assert (await guarded.delete("/v1/memory", headers=as_(ANA))).status_code == 204
    assert len((await guarded.get("/v1/memory", headers=as_(EVE))).json()["items"]) == 3


async def test_its_pages_follow_each_other(guarded: httpx2.AsyncClient) -> None:
    found, query = list[Any](), {"limit": "2"}
    while query:
        page = (await guarded.get("/v1/memory", params=query, headers=as_(ANA))).json()
        found += [it["key"] for it in page["items"]]
        query = {"limit": "2", "after": page["next"]} if page["next"] else {}
    assert found == ["k0", "k1", "k2"]


async def test_the_scope_of_conversations_is_needed(guarded: httpx2.AsyncClient) -> None:
    for method in ("GET", "DELETE"):
        assert (await guarded.request(method, "/v1/memory")).status_code == 401
        assert (await guarded.request(method, "/v1/memory", headers=as_(ASKER))).status_code == 403
    assert len((await guarded.get("/v1/memory", headers=as_(ANA))).json()["items"]) == 3


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        f"limit={MemoryRoutes.MAX_ITEMS + 1}",
        "after=x",
        "after=%00",
        "after=ñ",
        "after=W10=",
        "after=W1siYVx1MDAwMCJdLCJrIl0=",
        "after=W1siXHVkODAwIl0sImsiXQ==",
        "after=" + "W" * 4097,
    ],
)
async def test_a_page_that_cannot_be_is_refused(client: httpx2.AsyncClient, query: str) -> None:
    answer = await client.get(f"/v1/memory?{query}")
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
