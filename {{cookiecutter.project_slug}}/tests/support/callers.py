"""Callers with keys of their own, and the service that knows them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2

from harness.auth.api_key import NewKey
from harness.auth.principal import Scope
from harness.settings import Settings

ALL = [Scope.CHAT, Scope.THREADS, Scope.APPROVE]
ANA = NewKey.make("ana", ALL, None)
ANA_TOO = NewKey.make("ana", ALL, None)
ANA_TALKER = NewKey.make("ana", [Scope.CHAT], None)
EVE = NewKey.make("eve", ALL, None)
TALKER = NewKey.make("talker", [Scope.CHAT], None)
COLLECTOR = NewKey.make("collector", [Scope.METRICS], None)

APPROVAL = "0" * 32

QUESTION = {"message": "How many moons has Mars?", "thread_id": "t1"}

BODIES = {"/v1/feedback": {"run_id": str(UUID(int=0)), "rating": "up"}}
"""What is sent where it is no question."""


def by(key: NewKey) -> dict[str, str]:
    return {"Authorization": f"Bearer {key.text}"}


@dataclass(frozen=True)
class Guarded:
    """A service that knows the callers above by their keys."""

    settings: Settings
    file: Path

    def changed(self, **changes: Any) -> Settings:
        return self.settings.model_copy(update=changes)


async def call(
    client: httpx2.AsyncClient,
    method: str,
    path: str,
    key: NewKey | None = None,
    headers: Mapping[str, str] | None = None,
) -> httpx2.Response:
    named = {**(headers or {}), **(by(key) if key else {})}
    body = BODIES.get(path, QUESTION) if method == "POST" else None
    if "approvals" in path:
        body = {"decision": "approve"}
    return await client.request(method, path, json=body, headers=named)
