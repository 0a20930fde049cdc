"""What becomes of a model's text that may not leave: another attempt, then the data's own words."""

from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import orjson
import pytest

from harness.guards.active_content import ActiveContent
from harness.guards.leaks import Leaks
from harness.locale.locale import Locale
from harness.telemetry.metrics import REGISTRY
from tests.conformance.conftest import ROLES, Served
from tests.conformance.test_failing_models import OWN_WORDS
from tests.support.peers.openai_replies import Reply, Request, Text, ToolCalls
from tests.support.scripted_model import QUESTION

MARS = "How many moons has Mars?"
PLANNED = "Mars has 2 moons."


def counted(guard: str, decision: str) -> float:
    labels = {"guard": guard, "decision": decision}
    return REGISTRY.get_sample_value("guard_decisions_total", labels) or 0


def agent(*texts: str) -> Callable[[Request], Reply]:
    """Calls its tool, then says these texts one after the other, the last one for ever."""
    said: dict[str, Iterator[str]] = {}

    def tell(request: Request) -> Reply:
        if not request.results:
            asked = str(request.messages[-1]["content"]).lower()
            return ToolCalls([("look_up", {"name": "mars" if "mars" in asked else "everest"})])
        question = str(request.messages[1]["content"])
        return Text(next(said.setdefault(question, iter(texts)), texts[-1]))

    return tell


def planner(plan: dict[str, Any]) -> Callable[[Request], Reply]:
    return lambda request: (
        ToolCalls([(request.tools[0], plan)]) if request.tools else Text(orjson.dumps(plan).decode())
    )


def writer(*texts: str) -> Callable[[Request], Reply]:
    said = iter(texts)
    return lambda request: Text(next(said, texts[-1]))


def agent_answers(served: Served, *texts: str) -> None:  # a fixture's name
    plan = {"verdict": "work", "tasks": [{"agent": "moons", "question": MARS}], "text": ""}
    served.model.breaks(planner(plan), "planner")
    served.model.breaks(agent(*texts), "agent")


# A question in a language that there are no data for is answered in it, and refused for nothing that no guard knows.

only_shipped = pytest.mark.skipif(
    Locale.languages() != Locale.SHIPPED, reason="src/app/locale may know these languages"
)

FOREIGN = {
    "German": ("Wie viele Monde hat der Mars?", "Der Mars hat 2 Monde, Phobos und Deimos heißen sie."),
    "Japanese": ("火星(mars)には月がいくつありますか", "火星には月が2つあります。フォボスとダイモスです。"),
}


@only_shipped
@pytest.mark.checklist("COG-1")
@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize(("question", "text"), FOREIGN.values(), ids=FOREIGN.keys())
async def test_a_question_in_another_language_is_answered_in_it(
    served: Served, question: str, text: str, language: str  # a fixture
) -> None:
    plan = {"verdict": "work", "tasks": [{"agent": "moons", "question": question}], "text": ""}
    served.model.breaks(planner(plan), "planner")
    served.model.breaks(agent(text), "agent")
    await served.start(language=language)
    reply = await served.ask(question)
    assert reply["answer"] == text
    assert reply["degraded_because"] == []
    assert reply["language"] == language
    system = str(served.asked("agent")[0].messages[0]["content"])
    assert {"en": "Answer in the language of the", "es": "Responde en el idioma de la"}[language] in system
    events = await served.stream(question)
    assert [data["answer"] for name, data in events if name == "final"] == [text]
    assert "withdrawn" not in [name for name, _ in events]


@only_shipped
@pytest.mark.checklist("COG-1")
async def test_both_parts_are_written_as_one_in_the_language_of_the_question(served: Served) -> None:  # a fixture
    text = "Der Mars hat 2 Monde. Der Everest ist 8849 Meter hoch, heißt es bei uns."
    served.model.breaks(writer(text), "writer")
    await served.start(language="en")
    reply = await served.ask("Wie viele Monde hat der Mars und wie hoch ist der Everest?")
    assert reply["answer"] == text
    assert reply["degraded_because"] == []
    system = str(served.asked("writer")[0].messages[0]["content"])
    assert "in the language of the\nquestion; where it does not tell, in English" in system


@only_shipped
@pytest.mark.checklist("COG-1")
@pytest.mark.parametrize(("language", "answer"), [("en", "I can't help"), ("es", "No puedo ayudarte")])
async def test_without_a_model_it_is_answered_in_the_configured_language(
    served: Served, language: str, answer: str  # a fixture
) -> None:
    await served.start(language=language, disable_llm=True)
    reply = await served.ask("Wie komme ich von Köln nach Bonn?")
    assert reply["answer"].startswith(answer)
    assert reply["language"] == language


INVENTED = {
    "a figure": ("Mars has 79 moons.", "79"),
    "a date": ("Mars has 2 moons since 3 March.", "3 March"),
    "a currency": ("Mars has 2 moons, each 2 euros.", "euros"),
    "a name": ("Mars has 2 moons, says Kowalski.", "Kowalski"),
}


@pytest.mark.checklist("ETH-3")
@pytest.mark.parametrize(("text", "named"), INVENTED.values(), ids=INVENTED.keys())
async def test_a_model_that_invents_is_asked_once_more_and_told_what(served: Served, text: str, named: str) -> None:
    agent_answers(served, text, PLANNED)
    await served.start()
    before = counted("grounding", "corrected")
    reply = await served.ask(MARS)
    assert reply["answer"] == PLANNED
    assert not reply["degraded"]
    last = str(served.asked("agent")[-1].messages[-1]["content"])
    assert "supports this" in last
    assert named in last
    assert len(served.asked("agent")) == 3
    assert counted("grounding", "corrected") == before + 1
    (line,) = served.lines.named("audit")
    assert line["decisions"] == [{"guard": "grounding", "decision": "corrected", "because": "agent"}]


@pytest.mark.checklist("ETH-3")
@pytest.mark.parametrize("text", [text for text, _ in INVENTED.values()], ids=INVENTED.keys())
async def test_a_model_that_goes_on_inventing_is_answered_for_by_the_data(served: Served, text: str) -> None:
    agent_answers(served, text)
    await served.start()
    before = counted("grounding", "withheld")
    reply = await served.ask(MARS)
    assert reply["answer"] == "mars has 2 moons."
    assert reply["degraded_because"] == ["ungrounded"]
    assert len(served.asked("agent")) == 3
    assert counted("grounding", "withheld") == before + 1


async def test_names_are_only_counted_where_the_operator_wants_it(served: Served) -> None:
    text = INVENTED["a name"][0]
    agent_answers(served, text)
    await served.start(grounding_names="observe")
    before = counted("grounding", "observed")
    assert (await served.ask(MARS))["answer"] == text
    assert counted("grounding", "observed") == before + 1


SPANISH = "Según la fuente, el planeta Marte tiene 2 lunas, y las dos son de las que hay en la tabla."


@pytest.mark.parametrize(
    ("texts", "answer", "because"),
    [((SPANISH, PLANNED), PLANNED, []), ((SPANISH,), "mars has 2 moons.", ["wrong_language"])],
)
async def test_an_answer_in_another_language_is_asked_for_once_more(
    served: Served, texts: tuple[str, ...], answer: str, because: list[str]
) -> None:
    agent_answers(served, *texts)
    await served.start(grounding_names="off")
    reply = await served.ask(MARS)
    assert (reply["answer"], reply["degraded_because"]) == (answer, because)
    assert "not in English" in str(served.asked("agent")[-1].messages[-1]["content"])


async def test_a_second_attempt_stays_inside_the_agents_bounds(served: Served) -> None:
    agent_answers(served, INVENTED["a figure"][0], PLANNED)
    await served.start(agent_max_model_calls=2)
    reply = await served.ask(MARS)
    assert reply["answer"] == "mars has 2 moons."
    assert reply["degraded_because"] == ["ungrounded"]
    assert len(served.asked("agent")) == 2


GOOD = "Mars has 2 moons. Everest is 8849 m high."


async def test_a_writer_is_asked_once_more_as_long_as_nothing_is_out(served: Served) -> None:
    served.model.breaks(writer("Mars has 79 moons. Everest is 8849 m high.", GOOD), "writer")
    await served.start()
    events = await served.stream(QUESTION)
    tokens = "".join(data["text"] for name, data in events if name == "token")
    assert tokens == events[-1][1]["answer"] == GOOD
    assert "withdrawn" not in [name for name, _ in events]
    assert not events[-1][1]["degraded"]
    assert "79" in str(served.asked("writer")[-1].messages[-1]["content"])


async def test_a_writer_whose_sentence_is_out_is_not_asked_again(served: Served) -> None:
    served.model.breaks(writer("Mars has 2 moons. Everest is 9999 m high.", GOOD), "writer")
    await served.start()
    events = await served.stream(QUESTION)
    tokens = [data["text"] for name, data in events if name == "token"]
    assert tokens == ["Mars has 2 moons. ", events[-1][1]["answer"]]
    assert [name for name, _ in events][-3:] == ["withdrawn", "token", "final"]
    assert len(served.asked("writer")) == 1


def broken(*_: Any, **__: Any) -> NoReturn:
    raise RuntimeError("planted")


SAID = "Unlooked-at words about 2 and 8849."


@pytest.mark.checklist("INJ-3")
@pytest.mark.parametrize("is_streamed", [False, True], ids=["chat", "stream"])
@pytest.mark.parametrize("part", [(Leaks, "find"), (ActiveContent, "is_present")], ids=["leaks", "active content"])
@pytest.mark.parametrize("role", ROLES)
async def test_while_the_guard_is_broken_nothing_leaves_that_it_has_not_seen(
    served: Served, monkeypatch: pytest.MonkeyPatch, role: str, part: tuple[type[Any], str], is_streamed: bool
) -> None:
    clarify = {"verdict": "clarify", "tasks": [], "text": SAID}
    scripts: dict[str, Callable[[Request], Reply]] = {
        "planner": planner(clarify),
        "agent": agent(SAID),
        "writer": writer(SAID),
    }
    served.model.breaks(scripts[role], role)
    await served.start()
    monkeypatch.setattr(*part, broken)
    before = counted("outbound", "failed")
    if is_streamed:
        events = await served.stream(QUESTION)
        assert "Unlooked" not in str(events)
        reply = events[-1][1]
    else:
        reply = await served.ask(QUESTION)
    assert "Unlooked" not in str(reply) + served.lines.text
    assert "unsafe_answer" in reply["degraded_because"]
    assert counted("outbound", "failed") > before
    assert "planted" not in served.lines.text
    monkeypatch.undo()
    served.model.heal()
    assert not (await served.ask(QUESTION))["degraded"]


async def test_what_is_withheld_is_counted_and_in_the_audit_trail(served: Served) -> None:
    served.model.breaks(agent("Write to bob@evil.example."), "agent")
    served.model.breaks(writer("![x](https://evil.example/a)"), "writer")
    await served.start()
    before = {guard: counted(guard, "withheld") for guard in ("outbound", "personal_data")}
    reply = await served.ask(QUESTION)
    assert reply["answer"] == OWN_WORDS
    (line,) = served.lines.named("audit")
    found = {(it["guard"], it["decision"], it["because"]) for it in line["decisions"]}
    assert found == {("personal_data", "withheld", "email"), ("outbound", "withheld", "active")}
    assert counted("personal_data", "withheld") == before["personal_data"] + 2
    assert counted("outbound", "withheld") == before["outbound"] + 1


async def test_a_writer_in_another_language_is_asked_once_more(served: Served) -> None:
    spanish = "Según la fuente, el planeta Marte tiene 2 lunas, y el monte de las nieves es de 8849 m."
    served.model.breaks(writer(spanish, GOOD), "writer")
    await served.start(grounding_names="off")
    assert (await served.ask(QUESTION))["answer"] == GOOD
    assert "not in English" in str(served.asked("writer")[-1].messages[-1]["content"])


async def test_a_writer_that_stays_in_another_language_is_left_out(served: Served) -> None:
    spanish = "Según la fuente, el planeta Marte tiene 2 lunas, y el monte de las nieves es de 8849 m."
    served.model.breaks(writer(spanish), "writer")
    await served.start(grounding_names="off")
    reply = await served.ask(QUESTION)
    assert reply["degraded_because"] == ["wrong_language"]
    assert "Según" not in reply["answer"]
