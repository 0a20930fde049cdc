import pytest

from harness.auth.principal import Principal, Scope
from harness.errors import ScopeMissing
from harness.storage.thread_ref import PUBLIC

SUB = "auth0|ana@example.com"


def test_two_keys_of_one_name_are_one_caller_whatever_they_may_do() -> None:
    first, second = Principal.of_key("billing", [Scope.CHAT]), Principal.of_key("billing", [])
    assert first.owner == second.owner
    assert first.owner != Principal.of_key("Billing", []).owner


def test_a_subject_is_one_caller_at_its_issuer_alone() -> None:
    owners = {
        Principal.of_account("https://one", "1", []).owner,
        Principal.of_account("https://two", "1", []).owner,
        Principal.of_account("https://one", "2", []).owner,
        Principal.of_account("https://one1", "", []).owner,
        Principal.of_key("https://one1", []).owner,
        Principal.anonymous().owner,
    }
    assert len(owners) == 6


@pytest.mark.checklist("SEC-2")
def test_nothing_of_an_identity_is_kept_or_logged() -> None:
    caller = Principal.of_account("https://login.example", SUB, [])
    assert "ana" not in repr(caller)
    assert caller.conversation("t1").key == f"{caller.owner}:t1"
    assert caller.owner.startswith(caller.short)
    assert len(caller.short) == 8


def test_a_subject_that_is_no_text_for_a_database_is_a_caller_too() -> None:
    assert Principal.of_account("https://one", "\x00\ud800", []).owner.isalnum()


def test_everybody_is_one_caller_who_may_do_everything_where_nobody_is_asked() -> None:
    anonymous = Principal.anonymous()
    assert (anonymous.owner, anonymous.short) == (PUBLIC, "anonymous")
    for scope in Scope:
        anonymous.require_scope(scope)


def test_a_scope_that_was_not_given_is_missing() -> None:
    caller = Principal.of_key("billing", [Scope.CHAT])
    caller.require_scope(Scope.CHAT)
    with pytest.raises(ScopeMissing) as refusal:
        caller.require_scope(Scope.THREADS)
    assert refusal.value.headers["WWW-Authenticate"].endswith('scope="threads"')


def test_names_that_are_no_scopes_mean_nothing() -> None:
    assert Scope.parse(["chat", "admin", "", "CHAT"]) == {Scope.CHAT}
