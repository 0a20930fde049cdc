"""Who may do what on the server: nothing but what is listed, with the scope, in the forms that are read."""

from types import SimpleNamespace
from typing import Any, get_args, get_type_hints
from uuid import uuid4

import pytest
from langgraph_sdk import Auth

from harness.auth.principal import Principal, Scope
from harness.errors import InputRefused, RateLimitExceeded, ScopeMissing
from harness.http.failures import RequestRefused
from harness.http.langgraph_server.hooks import ANONYMOUS, SCOPES, Hooks
from harness.http.langgraph_server.inputs import MASKED
from tests.harness.http.langgraph_server.conftest import ANA, Starts

TALKER = Principal.from_key("talker", [Scope.CHAT])
CALL = "f" * 32
CARD = "4111 1111 1111 1111"
RESOURCES, ACTIONS = (get_args(get_type_hints(Auth.types.AuthContext)[name]) for name in ("resource", "action"))
"""All that the server asks about, as its SDK knows it."""


def ctx(resource: str, action: str, caller: Principal = ANA) -> Any:
    user = SimpleNamespace(identity=caller.id or ANONYMOUS, permissions=sorted(caller.scopes))
    return SimpleNamespace(resource=resource, action=action, user=user)


def run(**given: Any) -> dict[str, Any]:
    """What the server tells of a run that is asked for."""
    fixed: dict[str, Any] = {"input": {"message": "hi"}, "command": None, "config": {"configurable": {}}, "context": {}}
    return {
        "metadata": {},
        "thread_id": None,
        "run_id": uuid4(),
        "kwargs": {**fixed, "stream_mode": ["values"], "webhook": None, "temporary": False, **given},
    }


async def test_whoever_the_service_has_let_in_is_known(starts: Starts) -> None:
    hooks = Hooks((await starts()).door.app)
    user = await hooks.authenticate({"state": {"principal": ANA}})
    assert Hooks.principal(SimpleNamespace(**user)) == ANA
    nobody = await hooks.authenticate({"state": {"principal": Principal.anonymous()}})
    assert Hooks.principal(SimpleNamespace(**nobody)) == Principal.anonymous()


@pytest.mark.parametrize("scope", [{}, {"state": {}}, {"headers": [(b"authorization", b"Bearer ak_x")]}])
async def test_nobody_else_is_let_in(starts: Starts, scope: dict[str, Any]) -> None:
    with pytest.raises(Auth.exceptions.HTTPException) as refusal:
        await Hooks((await starts()).door.app).authenticate(scope)
    assert refusal.value.status_code == 401


async def test_what_is_not_listed_is_denied(starts: Starts) -> None:
    hooks = Hooks((await starts()).door.app)
    assert {resource for resource, _ in SCOPES} < {*RESOURCES}
    assert {action for _, action in SCOPES} < {*ACTIONS}
    for resource in RESOURCES:
        for action in ACTIONS:
            if (resource, action) not in SCOPES:
                assert await hooks.authorize(ctx(resource, action), {}) is False, (resource, action)


@pytest.mark.parametrize(("what", "scope"), SCOPES.items())
async def test_what_is_listed_wants_its_scope(starts: Starts, what: tuple[str, str], scope: Scope) -> None:
    hooks = Hooks((await starts()).door.app)
    other = Principal.from_key("other", set(Scope) - {scope})
    with pytest.raises(ScopeMissing, match=scope):
        await hooks.authorize(ctx(*what, other), {"metadata": {}})


@pytest.mark.parametrize("action", ["read", "search"])
async def test_threads_are_those_of_their_caller(starts: Starts, action: str) -> None:
    assert await Hooks((await starts()).door.app).authorize(ctx("threads", action), {}) == {"owner": ANA.id}


async def test_who_may_only_chat_reads_nothing_but_the_run_that_the_request_has_made(starts: Starts) -> None:
    hooks, own = Hooks((await starts()).door.app), {"owner": TALKER.id}
    for action, value in (("read", {}), ("update", {"action": "rollback"})):
        with pytest.raises(ScopeMissing, match="threads"):
            await hooks.authorize(ctx("threads", action, TALKER), value)
    for strategy in ("interrupt", "rollback"):  # what it ends would show what the thread holds
        with pytest.raises(ScopeMissing, match="threads"):
            await hooks.authorize(ctx("threads", "create_run", TALKER), run() | {"multitask_strategy": strategy})
    await hooks.authorize(ctx("threads", "create_run", TALKER), run() | {"multitask_strategy": "enqueue"})
    assert await hooks.authorize(ctx("threads", "read", TALKER), {}) == own
    assert await hooks.authorize(ctx("threads", "update", TALKER), {"action": "interrupt"}) == own
    for action in ("search", "delete"):
        with pytest.raises(ScopeMissing, match="threads"):
            await hooks.authorize(ctx("threads", action, TALKER), {"thread_id": uuid4()})


async def test_who_may_only_chat_makes_no_thread_that_is_there(starts: Starts) -> None:
    """The server shows the one that is there, where it is asked to do nothing then."""
    hooks, made = Hooks((await starts()).door.app), {"metadata": {}, "if_exists": "do_nothing"}
    wanted: Any = await hooks.authorize(ctx("threads", "create", TALKER), made)
    assert (wanted["owner"], made["metadata"]) == (TALKER.id, {"owner": TALKER.id})
    assert wanted != await hooks.authorize(ctx("threads", "create", TALKER), made)


async def test_a_new_thread_says_whose_it_is_and_loses_what_messages_lose(starts: Starts) -> None:
    made = {"metadata": {"owner": "someone", "title": f"card {CARD}", "deep": [{CARD: 1}], CARD: 2}}
    metadata = made["metadata"]
    assert await Hooks((await starts()).door.app).authorize(ctx("threads", "create"), made) == {"owner": ANA.id}
    assert made["metadata"] is metadata  # the server goes on with its own
    assert metadata == {"owner": ANA.id, "title": "card [card]", "deep": [{"[card]": 1}], "[card]": 2}


async def test_a_thread_is_not_copied(starts: Starts) -> None:
    assert await Hooks((await starts()).door.app).authorize(ctx("threads", "create"), {"thread_id": uuid4()}) is False


@pytest.mark.parametrize(
    ("value", "expected"), [({"action": "interrupt"}, {"owner": ANA.id}), ({"metadata": {}}, False)]
)
async def test_to_cancel_a_run_is_the_one_change(starts: Starts, value: dict[str, Any], expected: Any) -> None:
    assert await Hooks((await starts()).door.app).authorize(ctx("threads", "update"), value) == expected


async def test_a_deleted_thread_is_deleted_in_the_services_store(starts: Starts) -> None:
    server, thread = await starts(), uuid4()
    await server.values("State of order 7", str(thread))
    hooks = Hooks(server.door.app)
    await hooks.authorize(ctx("threads", "delete"), {"thread_id": thread, "run_id": uuid4()})
    assert (await server.graph().aget_state(server.config(str(thread)))).values["messages"]
    for _ in range(2):  # the second time there is none
        assert await hooks.authorize(ctx("threads", "delete"), {"thread_id": thread}) == {"owner": ANA.id}
    assert (await server.graph().aget_state(server.config(str(thread)))).values == {"messages": []}
    with pytest.raises(RequestRefused, match="one at a time") as refusal:
        await hooks.authorize(ctx("threads", "delete"), {"thread_ids": [thread]})
    assert refusal.value.status_code == 403


async def test_what_the_server_keeps_of_a_run_is_what_is_read_without_personal_data(starts: Starts) -> None:
    asked = run(
        input={"messages": [{"type": "human", "content": f"hi {CARD}", "id": "1"}]},
        config={
            "tags": [CARD],
            "recursion_limit": 10**6,
            "metadata": {"x": CARD},
            "configurable": {"langgraph_auth_user_id": ANA.id, "__pregel_read": 1, "langgraph_x": CARD, "x": CARD},
        },
        context={"x": CARD},
    )
    config = asked["kwargs"]["config"]
    assert await Hooks((await starts()).door.app).authorize(ctx("threads", "create_run"), asked) == {"owner": ANA.id}
    assert asked["kwargs"]["input"] == {"message": "hi [card]"}
    assert asked["kwargs"]["config"] is config
    assert config == {"configurable": {"langgraph_auth_user_id": ANA.id, MASKED: ["card"]}}
    assert CARD not in str(asked)
    assert asked["metadata"] == {"owner": ANA.id}


async def test_a_message_without_personal_data_stays_as_it_was_received(starts: Starts) -> None:
    asked = run(input={"message": "hi\u200b there "})
    await Hooks((await starts()).door.app).authorize(ctx("threads", "create_run"), asked)
    assert asked["kwargs"]["input"] == {"message": "hi\u200b there "}


@pytest.mark.parametrize(
    "given",
    [
        {"webhook": "https://x.example"},
        {"interrupt_before": "*"},
        {"interrupt_after": ["plan"]},
        {"feedback_keys": ["x"]},
        {"something_new": True},
        {"command": {"goto": "approve"}},
        {"command": {"update": {"outcomes": []}, "resume": {"id": CALL, "verdict": "approve"}}},
        {"command": {"resume": "yes"}},
        {"input": {"message": "hi", "history": []}},
        {"input": {"message": " "}},
        {"input": {"message": "x" * 100_000}},
        {"input": None},
        {"command": {"resume": {"id": CARD, "verdict": "approve"}}},
    ],
)
async def test_another_form_is_refused(starts: Starts, given: dict[str, Any]) -> None:
    with pytest.raises(InputRefused):
        await Hooks((await starts()).door.app).authorize(ctx("threads", "create_run"), run(**given))


async def test_a_run_later_on_is_refused(starts: Starts) -> None:
    with pytest.raises(InputRefused, match="after_seconds"):
        await Hooks((await starts()).door.app).authorize(ctx("threads", "create_run"), run() | {"after_seconds": 10**8})


async def test_what_a_decision_answers_loses_what_messages_lose(starts: Starts) -> None:
    hooks = Hooks((await starts()).door.app)
    asked = run(command={"resume": {"id": CALL, "verdict": "approve", "value": {"pay": [CARD, 3], CARD: True}}})
    await hooks.authorize(ctx("threads", "create_run"), asked)
    assert asked["kwargs"]["command"]["resume"]["value"] == {"pay": ["[card]", 3], "[card]": True}
    refusing = Hooks((await starts(personal_data_in="card:refuse")).door.app)
    again = run(command={"resume": {"id": CALL, "verdict": "reject", "value": CARD}})
    with pytest.raises(InputRefused, match="personal data"):
        await refusing.authorize(ctx("threads", "create_run"), again)


async def test_personal_data_that_is_refused_never_gets_to_the_server(starts: Starts) -> None:
    hooks = Hooks((await starts(personal_data_in="card:refuse")).door.app)
    with pytest.raises(InputRefused, match="personal data"):
        await hooks.authorize(ctx("threads", "create_run"), run(input={"message": CARD}))


async def test_a_decision_wants_the_scope_to_approve(starts: Starts) -> None:
    hooks = Hooks((await starts()).door.app)
    asked = run(input={"message": "ignored"}, command={"resume": {"id": CALL, "verdict": "approve"}, "update": None})
    await hooks.authorize(ctx("threads", "create_run"), asked)
    assert asked["kwargs"]["command"] == {"resume": {"id": CALL, "verdict": "approve"}}
    assert asked["kwargs"]["input"] is None
    with pytest.raises(ScopeMissing, match="approve"):
        await hooks.authorize(
            ctx("threads", "create_run", TALKER), run(command={"resume": {"id": CALL, "verdict": "approve"}})
        )


@pytest.mark.parametrize("quota", ["caller", "thread"])
async def test_a_quota_that_is_used_up_refuses_before_the_run_waits(starts: Starts, quota: str) -> None:
    server, thread = await starts(**{f"quota_{quota}_day_messages": 1}), uuid4()
    hooks, asked = Hooks(server.door.app), ctx("threads", "create_run")
    for _ in range(3):  # to look takes nothing
        await hooks.authorize(asked, run() | {"thread_id": thread})
    await server.values("State of order 7", str(thread))
    with pytest.raises(RateLimitExceeded):
        await hooks.authorize(asked, run() | {"thread_id": thread})
    if quota == "thread":
        await hooks.authorize(asked, run())


async def test_as_many_runs_as_may_be_under_way_wait_for_their_turn(starts: Starts) -> None:
    server = await starts(caller_max_running=2)
    hooks, asked = Hooks(server.door.app), ctx("threads", "create_run")
    first, second = run(), run()
    await hooks.authorize(asked, first)
    await hooks.authorize(asked, second)
    with pytest.raises(RateLimitExceeded):
        await hooks.authorize(asked, run())
    await hooks.authorize(ctx("threads", "create_run", TALKER), run())  # nobody else is held
    await server.values("State of order 7", str(uuid4()), configurable={"run_id": str(first["run_id"])})
    await hooks.authorize(asked, run())
