"""The hosts of the service, each as a client sees it. One more is a row of `HOSTS`."""

import json
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import httpx
import httpx2
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import APIStatusError

from harness.auth.api_key import NewKey
from tests.support.callers import by
from tests.support.processes import PROJECT, Process

LANGGRAPH_PYTHON = os.environ.get("LANGGRAPH_PYTHON", "")
"""The Python of the environment with a LangGraph server; `nox -s platforms` makes it."""

PATIENCE_SECONDS = 300  # it takes 10 s, and a machine may be busy

SERVED = "tests.harness.platforms.langgraph_served"


class Host(ABC):
    """One way to serve the project, started."""

    name: ClassVar[str]
    module: ClassVar[str]
    python: ClassVar[str] = sys.executable

    def __init__(self, process: Process, folder: Path) -> None:
        self.process = process
        self.address = process.address
        self.folder = folder

    @classmethod
    @contextmanager
    def started(cls, settings: Mapping[str, str], folder: Path) -> Iterator["Host"]:
        """Served from `folder`, with sample data."""
        folder.mkdir(exist_ok=True)
        if not (folder / "data").exists():
            (folder / "data").symlink_to(PROJECT / "data")
        alone = {"USE_FAKE_DATA": "true", "DATABASE_URL": f"sqlite:///{folder}/threads.sqlite", **settings}
        process = Process(alone, folder, module=(cls.module,), cwd=folder, python=cls.python)
        try:
            process.wait_until_ready(PATIENCE_SECONDS)
            yield cls(process, folder)
            process.end()
        finally:
            process.close()

    @abstractmethod
    async def ask(self, message: str, thread_id: str, key: NewKey | None = None) -> dict[str, Any]:
        """The reply."""

    @abstractmethod
    async def decide(self, call_id: str, verdict: str, thread_id: str, key: NewKey | None = None) -> dict[str, Any]:
        """The reply to a decision."""

    @staticmethod
    def comparable(reply: Mapping[str, Any]) -> tuple[Any, ...]:
        """What must be the same on every host."""
        agents = [(it["name"], it["status"], it["grounding"]) for it in reply["agents"]]
        calls = [(it["tool"], it["arguments"]) for it in reply["approvals"]]
        parts = ("answer", "language", "degraded_because", "notices", "sources")
        return (*(reply[name] for name in parts), agents, calls)


class FastAPIHost(Host):
    """The service's own server."""

    name = "FastAPI"
    module = "tests.harness.platforms.served"

    async def _post(self, path: str, body: Mapping[str, Any], key: NewKey | None) -> dict[str, Any]:
        async with httpx2.AsyncClient(base_url=self.address, timeout=60, headers=by(key) if key else None) as client:
            answer = await client.post(path, json=body)
            return dict(answer.raise_for_status().json())

    async def ask(self, message: str, thread_id: str, key: NewKey | None = None) -> dict[str, Any]:
        """The reply of `/v1/chat`."""
        return await self._post("/v1/chat", {"message": message, "thread_id": thread_id}, key)

    async def decide(self, call_id: str, verdict: str, thread_id: str, key: NewKey | None = None) -> dict[str, Any]:
        """The reply of `/v1/threads/.../approvals/...`."""
        return await self._post(f"/v1/threads/{thread_id}/approvals/{call_id}", {"decision": verdict}, key)


class LangGraphHost(Host):
    """`langgraph dev`, asked by the official SDK."""

    name = "LangGraph server"
    module = "tests.harness.platforms.langgraph_dev"
    python = LANGGRAPH_PYTHON
    AUTH: ClassVar = "auth"

    @classmethod
    @contextmanager
    def started(cls, settings: Mapping[str, str], folder: Path) -> Iterator["Host"]:
        """By the project's own `langgraph.json`, whose objects have one agent more."""
        folder.mkdir(exist_ok=True)
        text = (PROJECT / "langgraph.json").read_text(encoding="utf-8")
        config = json.loads(text.replace("harness.cli.langgraph_server", SERVED))
        del config["python_version"]  # of an image
        config["auth"]["path"] = f"{SERVED}:{cls.AUTH}"
        config["env"] |= {name: it for name, it in settings.items() if name in config["env"]}  # they win over ours
        file = folder / "langgraph.json"
        file.write_text(json.dumps(config), encoding="utf-8")
        own = {"LANGGRAPH_CONFIG_FILE": str(file), "LANGGRAPH_CLI_NO_ANALYTICS": "1"}
        with super().started({**own, **settings}, folder) as host:
            yield host

    def client(self, key: NewKey | None = None) -> LangGraphClient:
        """The SDK, for a caller: enter it, and it is closed."""
        return get_client(url=self.address, api_key=None, headers=by(key) if key else None)

    async def run(self, thread_id: str | None, key: NewKey | None = None, **given: Any) -> dict[str, Any]:
        """What a run leaves; raises where it is refused."""
        async with self.client(key) as client:
            values: Any = await client.runs.wait(thread_id, "agent", **given)
        return dict(values)

    async def ask(self, message: str, thread_id: str, key: NewKey | None = None) -> dict[str, Any]:
        """The reply of a run in a thread."""
        async with self.client(key) as client:
            await client.threads.create(thread_id=thread_id, if_exists="do_nothing")
        return dict((await self.run(thread_id, key, input={"message": message}))["reply"])

    async def decide(self, call_id: str, verdict: str, thread_id: str, key: NewKey | None = None) -> dict[str, Any]:
        """The reply of the run that the decision resumes."""
        left = await self.run(thread_id, key, command={"resume": {"id": call_id, "verdict": verdict}})
        return dict(left["reply"])


class OpenLangGraphHost(LangGraphHost):
    """The same without the hooks that say who may do what."""

    AUTH = "without_hooks"


FAILED_RUN = 0
"""What `outcome` says of a run that has begun, and ended with an error."""


async def outcome(work: Awaitable[Any]) -> int:
    """The status of what a client asks for."""
    try:
        await work
    except (APIStatusError, httpx.HTTPStatusError) as error:  # which of them, the SDK does not say
        return error.response.status_code
    except Exception as error:  # of a run: the SDK makes a class of the error's name
        if "RunRefused" in repr(error):
            return FAILED_RUN
        raise
    return 200


HOSTS = (FastAPIHost, LangGraphHost)


def new_thread() -> str:
    """A thread's id in a form that every host takes."""
    return uuid4().hex
