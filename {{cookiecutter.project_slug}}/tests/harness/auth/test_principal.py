import pytest

from harness.auth.principal import Principal, Scope
from harness.errors import ScopeMissing
from harness.storage.thread_ref import PUBLIC

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
