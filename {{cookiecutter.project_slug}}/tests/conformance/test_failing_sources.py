"""Whatever a data source does, an answer comes in time, names what is missing, invents nothing."""

from collections.abc import Iterator, Sequence

import httpx2
import pytest
from pydantic import BaseModel

from harness.prompts.language import Language
from harness.prompts.messages import LocalizedMessage
from harness.runtime.agent import Source, ToolCall, ToolResult
from harness.sources.policy import Policy
from tests.conformance.conftest import Served
from tests.support.agents import MoonsAgent, TableAgent
from tests.support.peers.data_sources import RATES, DataSources, Drip, Drop, Json, Zipped
from tests.support.peers.openai_faults import Busy, Html
from tests.support.peers.openai_replies import Body, Failure, Hang, Reply

QUESTION = "What is the level of the Ebro and how many moons has Mars?"
GOOD = {"level": 17}


class Level(BaseModel):
    """What the source sends."""

    level: int


class RiversAgent(TableAgent):
    """How high a river stands, from a source over HTTP."""

    name = "rivers"
    description = {"en": "Level of a river.", "es": "Nivel de un río."}
    keywords = {"en": ("level",), "es": ("nivel",)}
    examples = {
        "en": ("Level of the Ebro", "What is the level of the Tajo?"),
        "es": ("Nivel del Ebro", "¿Qué nivel tiene el Tajo?"),
    }
    table = {"ebro": 0}
    answer = LocalizedMessage(en="$name stands at $number m.", es="$name está a $number m.")
    detail = LocalizedMessage(en="Which river?", es="¿Qué río?")
    url = ""

    @staticmethod
    def fake_source(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, json={"level": 99})

    def policy(self) -> Policy:
        return Policy(tools=frozenset({"look_up"}), hosts=frozenset({"127.0.0.1"}))

    def plan_without_model(self, question: str, language: Language) -> Sequence[ToolCall]:
        return [ToolCall("look_up", {"name": "ebro"})]

    async def look_up(self, name: str) -> ToolResult:
        """The level of one river."""
        read = await self.resources.http.get_json(self.url, {"name": name}, Level)
        return ToolResult({"name": name, "number": read.level}, [Source(title="Rivers", url=self.url)])


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Iterator[DataSources]:
    with DataSources() as source:
        monkeypatch.setattr(RiversAgent, "url", source.address + RATES)
        source.answer(RATES, Json(GOOD))
        yield source


async def start(served: Served, *, with_model: bool, fake: bool = False) -> None:
    await served.start(
        RiversAgent,
        MoonsAgent,
        use_fake_data=fake,
        data_private_hosts="127.0.0.1",
        disable_llm=not with_model,
        data_timeout_seconds=0.2,
        llm_model="embedded",
        llm_planner_model=None,
        llm_writer_model=None,
    )


DRIPS = pytest.param(Drip(), id="drips", marks=pytest.mark.slow)

with_and_without_model = pytest.mark.parametrize("with_model", [True, False], ids=["model", "data alone"])


async def check_missing(served: Served) -> None:
    """The part is named as missing; the rest is answered."""
    reply = await served.ask(QUESTION)
    rivers, moons = reply["answer"].split("\n\n")
    assert rivers.startswith("I have no answer for this part")
    assert "the level of the Ebro" in rivers
    assert moons == "mars has 2 moons."
    assert [agent["status"] for agent in reply["agents"]] == ["missing", "answered"]
    assert "source_unavailable" in reply["degraded_because"]
    assert [it["title"] for it in reply["sources"]] == ["Table of moons"]


@with_and_without_model
async def test_a_source_that_answers_is_in_the_answer(served: Served, source: DataSources, with_model: bool) -> None:
    await start(served, with_model=with_model)
    reply = await served.ask(QUESTION)
    assert reply["answer"] == "ebro stands at 17 m.\n\nmars has 2 moons."
    assert "source_unavailable" not in reply["degraded_because"]


@with_and_without_model
@pytest.mark.parametrize("fault", [pytest.param(Hang(), id="hangs"), DRIPS])
@pytest.mark.checklist("TEST-3")
async def test_a_source_that_takes_for_ever_is_named_as_missing(
    served: Served, source: DataSources, fault: Reply, with_model: bool
) -> None:
    source.answer(RATES, fault)
    await start(served, with_model=with_model)
    await check_missing(served)


@pytest.mark.parametrize("fault", [pytest.param(Hang(), id="hangs"), DRIPS])
@pytest.mark.checklist("TEST-3")
async def test_a_source_may_not_outlast_the_request_whatever_its_own_time(
    served: Served, source: DataSources, fault: Reply
) -> None:
    await served.start_hurried(
        RiversAgent,
        MoonsAgent,
        use_fake_data=False,
        data_private_hosts="127.0.0.1",
        data_timeout_seconds=100,
        llm_model="embedded",
    )
    source.answer(RATES, fault)
    reply = await served.ask("What is the level of the Ebro?")
    assert [agent["status"] for agent in reply["agents"]] == ["missing"]
    assert {"source_unavailable", "out_of_time"} & set(reply["degraded_because"])


@with_and_without_model
@pytest.mark.parametrize("fault", [Failure(500), Failure(503), Busy(0)], ids=["500", "503", "429"])
@pytest.mark.checklist("TEST-4")
async def test_a_source_that_is_down_or_busy_is_named_after_bounded_retries(
    served: Served, source: DataSources, fault: Reply, with_model: bool
) -> None:
    source.answer(RATES, fault)
    await start(served, with_model=with_model)
    await check_missing(served)
    assert 1 <= len(source.asked(RATES)) <= 3  # DATA_MAX_RETRIES is 2
    assert len(served.lines.named("source_failed")) == 1


@pytest.mark.checklist("TEST-4")
async def test_a_source_that_recovers_at_once_is_in_the_answer(served: Served, source: DataSources) -> None:
    source.answer(RATES, Failure(503), Json(GOOD))
    await served.start(
        RiversAgent,
        MoonsAgent,
        use_fake_data=False,
        data_private_hosts="127.0.0.1",
        llm_model="embedded",
        llm_planner_model=None,
        llm_writer_model=None,
    )
    reply = await served.ask(QUESTION)
    assert reply["answer"].startswith("ebro stands at 17 m.")
    assert not reply["degraded"]
    assert len(source.asked(RATES)) == 2


@with_and_without_model
@pytest.mark.parametrize(
    "fault",
    [
        Body(b'{"level": 1'),
        Json({"level": "17"}),
        Json({"level": None}),
        Json({"stage": 17}),
        Json([17]),
        Body(b'{"level": NaN}'),
        Html(),
        Body(b'{"level": 17}', content_type="text/plain"),
        Json({"error": True}, 404),
        Zipped(GOOD, 50_000_000),
        Drop(),
    ],
    ids=[
        "cut",
        "wrong type",
        "null",
        "missing field",
        "a list",
        "NaN",
        "HTML",
        "wrong content type",
        "404",
        "gzip bomb",
        "dropped",
    ],
)
@pytest.mark.checklist("TEST-5")
async def test_what_is_not_the_sources_format_never_becomes_an_answer(
    served: Served, source: DataSources, fault: Reply, with_model: bool
) -> None:
    source.answer(RATES, fault)
    await start(served, with_model=with_model)
    await check_missing(served)


@with_and_without_model
@pytest.mark.checklist("CFG-2")
async def test_with_sample_data_nothing_is_sent_outside(served: Served, source: DataSources, with_model: bool) -> None:
    await start(served, with_model=with_model, fake=True)
    reply = await served.ask(QUESTION)
    assert source.requests == []
    assert reply["answer"].startswith("ebro stands at 99 m.")


@pytest.mark.checklist("CFG-2")
async def test_with_real_data_the_source_is_asked(served: Served, source: DataSources) -> None:
    await start(served, with_model=True)
    await served.ask(QUESTION)
    assert source.asked(RATES) == [{"name": "ebro"}]
