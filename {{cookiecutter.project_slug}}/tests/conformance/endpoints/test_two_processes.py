"""Two processes with one store, behind every endpoint: what was begun at one goes on at the other."""

import asyncio
import sys
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from itertools import cycle
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import pytest

from tests.support.approving import CANCEL, WAITS
from tests.support.endpoints.base import EVERY_ENDPOINT, Answer, Client
from tests.support.processes import processes
from tests.support.servers import Postgres

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows starts no server")

QUESTION, ANSWER = "How many moons has Mars?", "mars has 2 moons."
MORE, MORE_ANSWER = "And Saturn?", "saturn has 146 moons."
DONE, REJECTED = "Order 7 is cancelled.", "This was rejected and not done"
SETTINGS = {"LIMITS": "off", "LOG_LEVEL": "WARNING"}


class Site(NamedTuple):
    """Where the processes are, and where their agents write down what they have done."""

    addresses: Sequence[str]
    folder: Path

    def cancelled(self) -> int:
        """How many orders."""
        file = self.folder / "cancelled"
        return len(file.read_text(encoding="utf-8").splitlines()) if file.exists() else 0


@pytest.fixture(scope="module")
def site(postgres_server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("two")
    settings = {**SETTINGS, "DATABASE_URL": postgres_server.make_database("two_processes")}
    with processes(2, settings, folder) as started:
        yield Site([it.address for it in started], folder)


class Conversations:
    """One after the other, each begun at one process; the ways to ask take turns."""

    def __init__(self, site: Site, kind: type[Client]) -> None:
        self._site = site
        self._kind = kind
        self._ways = cycle(kind.ways)
        self._one, self._other = self._both = [kind(it) for it in site.addresses]

    async def follow_up(self) -> None:
        """At the other one, and back."""
        first = await self._say(self._one, QUESTION)
        again = await self._say(self._other, MORE, first.thread_id)
        assert (first.text, again.text, again.thread_id) == (ANSWER, MORE_ANSWER, first.thread_id), again
        assert [await self._read(it, first.thread_id) for it in self._both] == [
            [QUESTION, ANSWER, MORE, MORE_ANSWER]
        ] * 2

    async def repeat(self) -> None:
        """The same message by its name: afterwards, and at once."""
        thread_id = (await self._say(self._one, QUESTION)).thread_id
        key, another = str(uuid4()), str(uuid4())
        first = await self._say(self._one, MORE, thread_id, key)
        again = await self._say(self._other, MORE, thread_id, key)
        other = await self._say(self._other, QUESTION, thread_id, key)
        at_once = await asyncio.gather(*(self._say(it, QUESTION, thread_id, another) for it in self._both))
        assert (first.text, again.text) == (MORE_ANSWER, MORE_ANSWER), again
        self._check_refused(other, "input-refused", HTTPStatus.UNPROCESSABLE_ENTITY)
        assert [it.text for it in at_once] == [ANSWER] * 2, at_once
        assert len(await self._read(self._one, thread_id)) == 6

    async def approve(self, decision: str, said: str, times: int) -> None:
        """Decided at the other one, and again at the first: it is done once."""
        before = self._site.cancelled()
        asked = await self._say(self._one, CANCEL)
        assert asked.text == WAITS
        (call,) = asked.approvals
        place = call["id"], asked.thread_id
        decided = await self._other.decide(*place, decision)
        assert decided.text.startswith(said), decided
        again = await self._one.decide(*place, decision)
        assert again.text.startswith(said), again
        opposite = {"approve": "reject", "reject": "approve"}[decision]
        self._check_refused(await self._one.decide(*place, opposite), "approval-decided", HTTPStatus.CONFLICT)
        assert self._site.cancelled() == before + times

    async def delete(self) -> None:
        """What one has deleted is gone at the other: what was said, and the call that waits."""
        before = self._site.cancelled()
        thread_id = (await self._say(self._one, QUESTION)).thread_id
        (call,) = (await self._say(self._one, CANCEL, thread_id)).approvals
        assert len(await self._read(self._other, thread_id)) == 4
        async with self._one.http() as http:
            assert (await http.delete(f"/v1/threads/{thread_id}")).status_code == HTTPStatus.NO_CONTENT
        for client in self._both:
            assert await self._read(client, thread_id) == []
            decided = await client.decide(call["id"], thread_id)
            self._check_refused(decided, "approval-unknown", HTTPStatus.NOT_FOUND)
        anew = await self._say(self._other, MORE, thread_id)
        assert "146" not in anew.text, anew
        assert self._site.cancelled() == before

    async def _say(self, client: Client, *parts: str) -> Answer:
        return await client.say(next(self._ways), *parts)

    def _check_refused(self, answer: Answer, code: str, status: HTTPStatus) -> None:
        assert answer.code == self._kind.word(code, status), answer

    @staticmethod
    async def _read(client: Client, thread_id: str) -> list[str]:
        async with client.http() as http:
            return [it["text"] for it in (await http.get(f"/v1/threads/{thread_id}")).json().get("messages", [])]


@EVERY_ENDPOINT
async def test_what_was_begun_at_one_process_goes_on_at_the_other(site: Site, kind: type[Client]) -> None:
    talk = Conversations(site, kind)
    await talk.follow_up()
    await talk.repeat()
    await talk.approve("approve", DONE, 1)
    await talk.approve("reject", REJECTED, 0)
    await talk.delete()


@pytest.mark.exhaustive
@EVERY_ENDPOINT
async def test_fifty_times_in_a_row(site: Site, kind: type[Client]) -> None:
    talk = Conversations(site, kind)
    for _ in range(50):
        await talk.follow_up()
        await talk.approve("approve", DONE, 1)
