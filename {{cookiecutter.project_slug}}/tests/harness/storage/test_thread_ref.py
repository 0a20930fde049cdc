from itertools import product

from harness.storage.thread_ref import PUBLIC, ThreadRef

OWNERS = (PUBLIC, "a" * 32, "b" * 32)


def test_no_two_conversations_share_a_place_in_the_store() -> None:
    made = [ThreadRef(thread, owner) for thread, owner in product(("t", "u", "a" * 32), OWNERS)]
    assert len({it.key for it in made}) == len(made)


def test_no_two_owners_share_a_find_reply() -> None:
    keys = ("k", "a" * 32, f"{'a' * 32}:k", "k k".replace(" ", "!"))
    made = [ThreadRef("t", owner).request_key(key) for key, owner in product(keys, OWNERS)]
    assert len(set(made)) == len(made)


def test_callers_without_a_name_keep_what_they_had_before_there_were_names() -> None:
    assert ThreadRef("t1", PUBLIC).key == "t1"
    assert ThreadRef("t1", PUBLIC).request_key("k") == "k"


def test_a_place_in_the_store_names_its_owner() -> None:
    for owner in OWNERS:
        made = ThreadRef("t-1", owner)
        assert ThreadRef.from_key(made.key) == made
