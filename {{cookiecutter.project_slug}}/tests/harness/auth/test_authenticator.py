"""Which credential counts, and what is said of those that do not."""

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from harness.auth.api_key import NewKey
from harness.auth.authenticator import TOKEN_MAX_CHARS, Authenticator
from harness.auth.principal import Principal, Scope
from harness.errors import ConfigurationError, ScopeMissing, Unauthenticated
from harness.settings import Settings

SRC = Path(__file__).parents[3] / "src"

KEY = NewKey.make("billing", [Scope.CHAT], None)
OTHER = NewKey.make("other", [Scope.CHAT], None)


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    file = tmp_path / "keys.jsonl"
    file.write_text(f"{KEY.record.line}\n{OTHER.record.line}\n")
    return file


@pytest.fixture
async def authenticator(keys_file: Path) -> AsyncIterator[Authenticator]:
    values: dict[str, Any] = {"authentication": "keys", "api_keys_file": keys_file}
    async with aclosing(Authenticator(Settings(**values))) as authenticator:
        yield authenticator


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {KEY.text}"},
        {"authorization": f"bearer   {KEY.text} "},
        {"x-api-key": KEY.text},
        {"authorization": "Basic YTpi", "x-api-key": KEY.text},
        {"authorization": f"Bearer {KEY.text}", "x-api-key": OTHER.text},
    ],
)
async def test_a_key_counts_wherever_it_may_stand(
    authenticator: Authenticator, headers: dict[str, str]
) -> None:
    found = await authenticator.authenticate(headers)
    assert found == Principal.from_key("billing", [Scope.CHAT])


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "no_credentials"),
        ({"authorization": ""}, "no_credentials"),
        ({"authorization": "Bearer"}, "no_credentials"),
        ({"authorization": "Bearer "}, "no_credentials"),
        ({"authorization": f"Basic {KEY.text}"}, "no_credentials"),
        ({"authorization": KEY.text}, "no_credentials"),
        ({"x-api-key": "eyJhbGciOiJub25l" + "In0.e30."}, "kind_not_accepted"),
        ({"x-api-key": KEY.record.sha256}, "kind_not_accepted"),
        ({"x-api-key": KEY.text + "a"}, "unknown_key"),
        ({"x-api-key": "a" * (TOKEN_MAX_CHARS + 1)}, "too_long"),
    ],
)
async def test_anything_else_is_refused(
    authenticator: Authenticator, headers: dict[str, str], reason: str
) -> None:
    with pytest.raises(Unauthenticated) as refusal:
        await authenticator.authenticate(headers)
    assert refusal.value.reason == reason
    has_error = "error" in refusal.value.headers["WWW-Authenticate"]
    assert has_error is (reason != "no_credentials")


async def test_a_scope_that_the_key_has_not_is_missing(authenticator: Authenticator) -> None:
    principal = await authenticator.authenticate({"x-api-key": KEY.text})
    with pytest.raises(ScopeMissing):
        principal.require_scope(Scope.THREADS)


async def test_a_key_is_nothing_where_only_tokens_count() -> None:
    values: dict[str, Any] = {
        "authentication": "oidc",
        "oidc_issuer": "http://127.0.0.1:9",
        "oidc_audience": "a",
    }
    async with aclosing(Authenticator(Settings(**values))) as authenticator:
        with pytest.raises(Unauthenticated) as refusal:
            await authenticator.authenticate({"x-api-key": KEY.text})
    assert refusal.value.reason == "kind_not_accepted"


async def test_where_nobody_is_asked_nothing_that_is_sent_counts() -> None:
    async with aclosing(Authenticator(Settings())) as authenticator:
        found = await authenticator.authenticate({"x-api-key": KEY.text})
    assert found == Principal.anonymous()


def test_a_file_of_keys_that_is_missing_stops_the_start(tmp_path: Path) -> None:
    values: dict[str, Any] = {"authentication": "keys", "api_keys_file": tmp_path / "none"}
    with pytest.raises(ConfigurationError, match="API_KEYS_FILE"):
        Authenticator(Settings(**values))


@pytest.mark.parametrize("fault", [OSError("planted"), RuntimeError("planted")])
async def test_an_authenticator_that_fails_itself_lets_nobody_in(
    authenticator: Authenticator, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    def fail(_: str) -> Principal:
        raise fault

    assert authenticator.keys is not None
    monkeypatch.setattr(authenticator.keys, "principal", fail)
    with pytest.raises(type(fault)):
        await authenticator.authenticate({"x-api-key": KEY.text})


def test_what_checks_tokens_is_loaded_only_where_tokens_count() -> None:
    script = (
        "import sys; import harness.http.app; from harness.auth.authenticator import Authenticator;"
        "from harness.settings import Settings; Authenticator(Settings()); assert 'jwt' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=SRC)
