"""What a scripted model says in each role of each prototype, and what the tests need to know of each."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, ClassVar

import orjson

from tests.support.peers.openai_replies import Reply, Request, Text, ToolCalls

Role = Callable[[Request], Reply]

DAY = "2026-12-01"
"""A Tuesday."""

ORDER = {"number": 7, "state": "packed", "total_eur": 184.5, "arrives": "2026-12-02"}
"""What the shop says of the one order that it has."""


def text_of(message: Mapping[str, Any]) -> str:
    """The words of one message."""
    return str(message["content"] or "")


def said(request: Request) -> str:
    """What the person, or who plays one, said last."""
    return [text_of(it) for it in request.messages if it["role"] == "user"][-1]


def results(request: Request) -> Sequence[str]:
    """What tools gave back since then."""
    at = max(number for number, it in enumerate(request.messages) if it["role"] == "user")
    return [text_of(it) for it in request.messages[at:] if it["role"] == "tool"]


class Calls(ToolCalls):
    """Calls of tools, each with an id that no other one has, as providers give them."""

    NUMBERS: ClassVar = count(1)

    def message(self) -> dict[str, Any]:
        message = super().message()
        for made in message["tool_calls"]:
            made["id"] = f"call_n{next(self.NUMBERS)}"
        return message

    def deltas(self) -> Iterator[dict[str, Any]]:
        for delta in super().deltas():
            for made in delta["tool_calls"]:
                if "id" in made:
                    made["id"] = f"call_n{next(self.NUMBERS)}"
            yield delta


def call(tool: str, **arguments: Any) -> Reply:
    """One call of a tool."""
    return Calls([(tool, arguments)])


def structured(request: Request, document: Mapping[str, Any]) -> Reply:
    """A document of the schema that the request asks for, as a function or as the format of the text."""
    return Calls([(request.tools[0], document)]) if request.tools else Text(orjson.dumps(document).decode())


def is_whole(request: Request) -> bool:
    """Whether the provider would take the messages: each call of a tool has its result, each result its call."""
    open_calls: set[str] = set()
    for message in request.messages:
        if message["role"] == "tool":
            if message["tool_call_id"] not in open_calls:
                return False
            open_calls.remove(message["tool_call_id"])
        elif open_calls:
            return False
        open_calls |= {it["id"] for it in message.get("tool_calls") or ()}
    return not open_calls


@dataclass(frozen=True)
class Writing:
    """A message that makes the model call a tool that changes something."""

    message: str
    tool: str
    arguments: Mapping[str, Any]
    answer: str
    """After it was approved and has run."""


@dataclass(frozen=True)
class Case:
    """One prototype: its roles, a question, and what comes of it."""

    roles: Mapping[str, Role]
    """Words of the first message of a request -> who answers it."""
    question: str
    answer: str
    model_calls: int
    """For that question."""
    follow_up: str
    follow_answer: str
    tools: Sequence[str] = ()
    """Functions of the prototype that are tools, those that write among them."""
    reads: str = ""
    """The one that the question needs."""
    writings: Sequence[Writing] = ()
    grounding: str = "facts"
    remembers: bool = True
    """Whether its model reads what was said before in the thread."""
    writer: str = ""
    """The role whose words are the answer; empty where no model writes it."""
    strangers: Mapping[str, Any] = field(default_factory=dict)
    """A tool of the prototype's that another of its agents has, with arguments."""


# One agent with two tools.


def order_desk(request: Request) -> Reply:
    asked, got = said(request).lower(), results(request)
    if got and "cancel" in asked:
        return Text("Order 7 is cancelled." if "is cancelled" in got[-1] else "Order 7 stays as it is.")
    if got:
        return Text("Order 7 is packed, due on 2026-12-02.")
    if "cancel" in asked:
        return call("cancel_order", number=7, reason="changed my mind")
    return call("find_order", number=7) if "order 7" in asked else Text("You are welcome.")


ORDERS = Case(
    roles={"You are the order desk": order_desk},
    question="Where is order 7?",
    answer="Order 7 is packed, due on 2026-12-02.",
    model_calls=2,
    follow_up="Thanks.",
    follow_answer="You are welcome.",
    tools=("find_order", "cancel_order"),
    reads="find_order",
    writings=[
        Writing(
            "Cancel order 7, please.",
            "cancel_order",
            {"number": 7, "reason": "changed my mind"},
            "Order 7 is cancelled.",
        )
    ],
    writer="You are the order desk",
)

# A supervisor that calls two specialists.


def assistant(request: Request) -> Reply:
    asked, got = said(request).lower(), results(request)
    if got:
        return Text(f"I have asked. {got[-1].splitlines()[1] if '<tool_result' in got[-1] else got[-1]}")
    if "mail" in asked:
        return call("ask_mail", request=f"Write to ana about {DAY}.")
    if "book" in asked:
        return call("ask_calendar", request=f"Book the dentist on {DAY} at 09:00.")
    return call("ask_calendar", request=f"Free slots on {DAY}?") if "free" in asked else Text("You are welcome.")


def calendar(request: Request) -> Reply:
    asked, got = said(request).lower(), results(request)
    if "book" in asked:
        booking = {"day": DAY, "slot": "09:00", "title": "dentist"}
        told = f"Booked the dentist on {DAY} at 09:00." if got and "booked" in got[-1] else "Nothing is booked."
        return Text(told) if got else call("book", **booking)
    return Text("Free at 09:00, 11:30 and 16:00.") if got else call("free_slots", day=DAY)


def mail(request: Request) -> Reply:
    letter = {"to": "ana", "subject": "Tuesday", "body": f"See you on {DAY}."}
    got = results(request)
    told = "Sent to ana: Tuesday." if got and "sent to" in got[-1] else "Nothing is sent."
    return Text(told) if got else call("send_mail", **letter)


DESK = Case(
    roles={"You are a personal assistant": assistant, "You keep a calendar": calendar, "You write e-mails": mail},
    question=f"When am I free on {DAY}?",
    answer="I have asked. Free at 09:00, 11:30 and 16:00.",
    model_calls=4,
    follow_up="Thanks.",
    follow_answer="You are welcome.",
    tools=("free_slots", "book", "send_mail"),
    reads="free_slots",
    writings=[
        Writing(
            f"Book the dentist on {DAY} at 09:00.",
            "book",
            {"day": DAY, "slot": "09:00", "title": "dentist"},
            f"I have asked. Booked the dentist on {DAY} at 09:00.",
        ),
        Writing(
            f"Send ana a mail about {DAY}.",
            "send_mail",
            {"to": "ana", "subject": "Tuesday", "body": f"See you on {DAY}."},
            "I have asked. Sent to ana: Tuesday.",
        ),
    ],
    writer="You are a personal assistant",
    strangers={"send_mail": {"to": "eve", "subject": "s", "body": "b"}},
)

# Two agents that hand the conversation to each other.

ROOM = "Casa Azul in Lisbon has a room on 2026-12-01 for 92 euros."


def flights(request: Request) -> Reply:
    if "room" in said(request).lower():
        return call("hand_to_hotels")
    if not results(request):
        return call("search_flights", origin="Madrid", destination="Lisbon", day=DAY)
    return Text("Flight XT 210 from Madrid to Lisbon costs 184.5 euros.")


def hotels(request: Request) -> Reply:
    if any("Casa Azul" in it for it in results(request)):
        return Text(ROOM)
    return call("search_hotels", city="Lisbon", night=DAY)


TRAVEL = Case(
    roles={"You sell flights": flights, "You sell rooms": hotels},
    question=f"Is there a flight from Madrid to Lisbon on {DAY}?",
    answer="Flight XT 210 from Madrid to Lisbon costs 184.5 euros.",
    model_calls=2,
    follow_up="And a room for that night?",
    follow_answer=ROOM,
    tools=("search_flights", "search_hotels"),
    reads="search_flights",
    writer="You sell flights",
    strangers={"search_hotels": {"city": "Lisbon", "night": DAY}},
)

# A plan, steps side by side, a report.

REPORT = (
    "The battery of 500 Wh lasts about 60 km on flat roads. Its brakes are hydraulic. They stop from 25 km/h in 4.1 m"
    " when dry. They need 5.3 m when wet. Both were tested."
)

RESEARCH = Case(
    roles={
        "Plan what to look up": lambda request: structured(request, {"steps": ["battery", "brakes"]}),
        "Write five sentences": lambda request: Text(REPORT),
    },
    question="How good are the battery and the brakes?",
    answer=REPORT,
    model_calls=2,
    follow_up="And the battery alone?",
    follow_answer=REPORT,
    remembers=False,
    writer="Write five sentences",
)

# A writer and a critic.

POST_TEXT = "Our new bell rings clear. It is made of brass. You will hear it from afar."

POST = Case(
    roles={"You write short posts": lambda request: Text(POST_TEXT), "You judge a post": lambda request: Text("GOOD")},
    question="Write a post about our new bell.",
    answer=POST_TEXT,
    model_calls=2,
    follow_up="Write it again, shorter.",
    follow_answer=POST_TEXT,
    grounding="open",
    writer="You write short posts",
)

# A desk that asks for what is missing.


def clerk(request: Request) -> Reply:
    year = re.search(r"born in (\d{4})", said(request))
    wish = {"course": "bicycle repair", "birth_year": int(year[1]) if year else None}
    return structured(request, wish)


SIGN_UP = Case(
    roles={"": clerk},
    question="Sign me up for bicycle repair. I was born in 1987.",
    answer="You are signed up for bicycle repair, born in 1987.",
    model_calls=1,
    follow_up="And my second bicycle: sign me up again.",
    follow_answer="You are signed up for bicycle repair, born in 1987.",
    grounding="open",
)

CASES: Mapping[str, Case] = {
    "orders_agent": ORDERS,
    "desk_supervisor": DESK,
    "travel_handoffs": TRAVEL,
    "research_plan": RESEARCH,
    "post_writer": POST,
    "sign_up": SIGN_UP,
}
