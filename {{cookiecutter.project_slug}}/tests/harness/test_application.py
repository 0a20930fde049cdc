"""What an owner adds, each through the running service, without a change of the harness."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter
from pydantic import SecretStr
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Send

from harness import (
    REGISTRY,
    Application,
    InputRefused,
    LocalizedMessage,
    Principal,
    Prompt,
    Reply,
    Settings,
    ThreadRef,
    main,
)
from harness.cli.settings_reference import SettingsReference
from harness.errors import ConfigurationError
from harness.prompts.shared import PLANNER
from tests.conftest import Door, Lines
from tests.harness.http.test_streaming import events
from tests.support.agents import TEST_AGENTS
from tests.support.owner import KEY, QUESTION, Opens, OwnSettings, customers


class Tag:
    """A middleware of the owner's."""

    def __init__(self, app: ASGIApp, name: str) -> None:
        self._app = app
        self._name = name.encode()

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        async def tagged(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), (b"x-tag", self._name)]
            await send(message)

        if scope["path"] == "/refused":
            raise InputRefused("path", "not here")
        await self._app(scope, receive, tagged)


async def test_a_middleware_of_the_owners_meets_every_request(opens: Opens, lines: Lines) -> None:
    client = await opens(middleware=[Middleware(Tag, name="outer"), Middleware(Tag, name="inner")])
    known = await client.post("/v1/chat", json=QUESTION, headers=KEY)
    assert known.headers.get_list("x-tag") == ["inner", "outer"]
    refused = await client.get("/refused")
    assert (refused.status_code, refused.json()["detail"]) == (422, "path: not here")
    assert refused.json()["instance"] == refused.headers["x-request-id"]
    assert not lines.named("request_failed")


async def test_the_owners_start_and_end_lie_around_what_is_served(opens: Opens, door: Door) -> None:
    seen = []

    @asynccontextmanager
    async def lifespan(settings: OwnSettings) -> AsyncIterator[Mapping[str, Any]]:
        seen.append(f"start {settings.customer_title}")
        yield {"opened": "file"}
        seen.append("end")

    values = {"customer_title": "guests"}
    client = await opens(values, routers=[customers()], open_paths=["/status"], lifespan=lifespan)
    assert (await client.get("/status")).json() == {"service": "guests", "opened": "file"}
    assert seen == ["start guests"]
    await door.close()
    assert seen == ["start guests", "end"]


async def test_a_start_that_fails_names_its_place(opens: Opens) -> None:
    @asynccontextmanager
    async def lifespan(_: Settings) -> AsyncIterator[dict[str, str]]:
        files: dict[str, str] = {}
        yield {"file": files["no file"]}

    with pytest.raises(KeyError, match="no file") as failure:
        await opens(lifespan=lifespan)
    assert "`lifespan` of the Application in src/app/main.py" in failure.value.__notes__[0]


def test_a_setting_of_the_owners_is_shown_with_the_others(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    application = Application(TEST_AGENTS, settings=OwnSettings)
    monkeypatch.setattr(Application, "load", lambda: application)
    monkeypatch.setenv("CUSTOMER_KEY", "hidden-value")
    assert main(["settings"]) == 0
    told = capsys.readouterr().out
    assert "CUSTOMER_TITLE" in told
    assert "hidden-value" not in told
    pages = SettingsReference(application, "openai")
    assert "# --- This service ---\n\n# What customers are called." in pages.env()
    assert "| `CUSTOMER_KEY` | Key of the customers' file. |" in pages.markdown()


async def test_a_secret_of_the_owners_is_masked_in_the_log(opens: Opens, lines: Lines) -> None:
    client = await opens({"customer_key": SecretStr("no-known-shape")})
    await client.get("/healthz", headers={"X-Request-ID": "no-known-shape"})
    assert lines.named("request")
    assert "no-known-shape" not in lines.text


async def test_a_counter_of_the_owners_is_among_the_metrics(opens: Opens) -> None:
    client = await opens(routers=[customers()])
    before = REGISTRY.get_sample_value("owner_looked_up_total") or 0
    await client.get("/v1/customers/bob", headers=KEY)
    assert f"owner_looked_up_total {before + 1}" in (await client.get("/metrics")).text


def loose(_: str) -> str:
    return ""


async def forgotten(_: Settings) -> AsyncIterator[None]:
    yield


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ({"settings": dict}, "src/app/main.py: settings: <class 'dict'>"),
        ({"agents": ["moons"]}, "src/app/main.py: agents: 'moons'"),
        ({"routers": [loose]}, "src/app/main.py: routers: "),
        (
            {"middleware": [Middleware(Tag, size=1)]},  # type: ignore[call-arg] # on purpose
            "src/app/main.py: middleware: .*'size'",
        ),
        ({"middleware": [Tag]}, r"src/app/main.py: middleware: write Middleware\(Tag\)"),
        ({"routers": APIRouter()}, r"src/app/main.py: routers: write a list: routers=\[...\]"),
        ({"open_paths": "/status"}, "src/app/main.py: open_paths: write a list"),
        ({"messages": {"DECLINE": "hello"}}, "src/app/main.py: messages: DECLINE: write LocalizedMessage"),
        ({"open_paths": ["status"]}, "src/app/main.py: open_paths: 'status'"),
        ({"open_paths": ["/v1/chat"]}, "src/app/main.py: open_paths: /v1/chat is no route of"),
        ({"before_run": loose}, "src/app/main.py: before_run: write it as `async def`"),
        ({"after_run": loose}, "src/app/main.py: after_run: write it as `async def`"),
        ({"messages": {"HELLO": LocalizedMessage(en="a", es="b")}}, "messages: HELLO is no name"),
        ({"messages": {"DECLINE": LocalizedMessage(en="a")}}, "messages: DECLINE has no text for es"),
        ({"messages": {"DECLINE": LocalizedMessage(en="5$ now", es="b")}}, r"DECLINE \(en\): a \$ that names"),
        ({"lifespan": forgotten}, "src/app/main.py: lifespan: put @asynccontextmanager"),
        (
            {"prompts": [Prompt("writer", "9", {"en": "$tone", "es": "b"})]},
            r"src/app/prompts: prompts: writer \(en\): \$tone is not filled in",
        ),
        (
            {"prompts": [Prompt("planner", "9", {"en": "Plan.", "es": "Plan."})]},
            r"src/app/prompts: prompts: planner \(en\): \$\w+ is missing",
        ),
        (
            {"prompts": [dataclasses.replace(PLANNER, text={k: f"{v}!" for k, v in PLANNER.text.items()})]},
            "src/app/prompts: prompts: planner: version .* is the harness's own",
        ),
    ],
)
def test_what_cannot_work_is_refused_with_its_place(parts: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        Application(**{"agents": TEST_AGENTS, **parts}).create_app(Settings(database_url="memory://"))


@pytest.mark.parametrize("path", ["/v1/chat", "/v1/threads/{name}", "/v1/threads/export"])
def test_a_route_of_the_harness_is_not_replaced(path: str) -> None:
    router = APIRouter()
    router.add_api_route(path, loose, methods=["POST"])
    with pytest.raises(ConfigurationError, match=f"routers: {path} is a path of the harness"):
        Application(TEST_AGENTS, routers=[router]).create_app(Settings(database_url="memory://"))


async def test_a_step_before_the_run_changes_or_refuses_the_message(opens: Opens) -> None:
    async def before_run(message: str, thread: ThreadRef) -> str:
        assert thread.owner == Principal.from_key("ana", []).id
        if "secret" in message:
            raise InputRefused("message", "ask something else")
        return message.replace("Mars", "Saturn")

    client = await opens(before_run=before_run)
    changed = await client.post("/v1/chat", json=QUESTION, headers=KEY)
    assert changed.json()["answer"] == "saturn has 146 moons."
    stream = await client.post("/v1/chat/stream", json=QUESTION, headers=KEY)
    assert events(stream.text)[-1][2]["answer"] == "saturn has 146 moons."
    for path in ("/v1/chat", "/v1/chat/stream"):
        refused = await client.post(path, json={"message": "A secret?"}, headers=KEY)
        assert (refused.status_code, refused.json()["detail"]) == (422, "message: ask something else")


async def shout(reply: Reply, thread: ThreadRef) -> Reply:
    return reply.model_copy(update={"answer": f"{reply.answer.upper()} {thread.thread_id}"})


async def test_a_step_after_the_run_changes_the_reply_and_its_second_try(opens: Opens) -> None:
    client = await opens(after_run=shout)
    body, headers = {**QUESTION, "thread_id": "t1"}, {**KEY, "Idempotency-Key": "k1"}
    first = await client.post("/v1/chat", json=body, headers=headers)
    assert first.json()["answer"] == "MARS HAS 2 MOONS. t1"
    again = await client.post("/v1/chat/stream", json=body, headers=headers)
    assert events(again.text)[-1][2] == first.json()


@pytest.mark.parametrize("name", ["before_run", "after_run"])
async def test_a_step_that_breaks_is_a_failure_of_ours_that_names_it(opens: Opens, lines: Lines, name: str) -> None:
    async def step(_: object, thread: ThreadRef) -> None:
        return None

    client = await opens(**{name: step})
    answer = await client.post("/v1/chat", json=QUESTION, headers=KEY)
    assert answer.status_code == 500
    assert f"`{name}` of the Application in src/app/main.py" in lines.text


async def test_a_step_after_the_run_that_hangs_lets_nothing_leave(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def step(reply: Reply, thread: ThreadRef) -> Reply:
        await asyncio.sleep(60)
        return reply

    monkeypatch.setattr("harness.application.Application.AFTER_SECONDS", 0.05)
    client = await opens(after_run=step)
    answer = await client.post("/v1/chat", json=QUESTION, headers=KEY)
    assert answer.status_code == 500
    assert "moons" not in answer.text


def test_the_command_line_takes_the_same_steps(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen = []

    @asynccontextmanager
    async def lifespan(_: Settings) -> AsyncIterator[None]:
        seen.append("start")
        yield
        seen.append("end")

    monkeypatch.chdir(tmp_path)
    application = Application(TEST_AGENTS, after_run=shout, lifespan=lifespan)
    monkeypatch.setattr(Application, "load", lambda: application)
    assert main(["ask", "--thread", "t7", "How many moons has Mars?"]) == 0
    assert capsys.readouterr().out.startswith("MARS HAS 2 MOONS. t7")
    assert seen == ["start", "end"]
