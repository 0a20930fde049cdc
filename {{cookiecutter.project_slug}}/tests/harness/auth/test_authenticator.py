"""Tests of `authenticator` and `principal`."""

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
from harness.storage.thread_ref import PUBLIC

# Which credential counts, and what is said of those that do not.

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
async def test_a_key_counts_wherever_it_may_stand(authenticator: Authenticator, headers: dict[str, str]) -> None:
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
async def test_anything_else_is_refused(authenticator: Authenticator, headers: dict[str, str], reason: str) -> None:
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
    values: dict[str, Any] = {"authentication": "oidc", "oidc_issuer": "http://127.0.0.1:9", "oidc_audience": "a"}
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


SUB = "auth0|ana@example.com"


def test_two_keys_of_one_name_are_one_caller_whatever_they_may_do() -> None:
    first, second = Principal.from_key("billing", [Scope.CHAT]), Principal.from_key("billing", [])
    assert first.id == second.id
    assert first.id != Principal.from_key("Billing", []).id


def test_a_subject_is_one_caller_at_its_issuer_alone() -> None:
    owners = {
        Principal.from_account("https://one", "1", []).id,
        Principal.from_account("https://two", "1", []).id,
        Principal.from_account("https://one", "2", []).id,
        Principal.from_account("https://one1", "", []).id,
        Principal.from_key("https://one1", []).id,
        Principal.anonymous().id,
    }
    assert len(owners) == 6


@pytest.mark.checklist("SEC-2")
def test_nothing_of_an_identity_is_kept_or_logged() -> None:
    caller = Principal.from_account("https://login.example", SUB, [])
    assert "ana" not in repr(caller)
    assert caller.conversation("t1").key == f"{caller.id}:t1"
    assert caller.id.startswith(caller.log_id)
    assert len(caller.log_id) == 8


def test_a_subject_that_is_no_text_for_a_database_is_a_caller_too() -> None:
    assert Principal.from_account("https://one", "\x00\ud800", []).id.isalnum()


def test_everybody_is_one_caller_who_may_do_everything_where_nobody_is_asked() -> None:
    anonymous = Principal.anonymous()
    assert (anonymous.id, anonymous.log_id) == (PUBLIC, "anonymous")
    for scope in Scope:
        anonymous.require_scope(scope)


def test_a_scope_that_was_not_given_is_missing() -> None:
    caller = Principal.from_key("billing", [Scope.CHAT])
    caller.require_scope(Scope.CHAT)
    with pytest.raises(ScopeMissing) as refusal:
        caller.require_scope(Scope.THREADS)
    assert refusal.value.headers["WWW-Authenticate"].endswith('scope="threads"')


def test_names_that_are_no_scopes_mean_nothing() -> None:
    assert Scope.parse(["chat", "admin", "", "CHAT"]) == {Scope.CHAT}
