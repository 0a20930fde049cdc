"""Keys in a file that changes: what counts at each moment, and what happens when the file breaks."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from harness.auth.api_key import FILE_MAX_BYTES, ApiKeys, NewKey
from harness.auth.principal import Principal, Scope
from harness.errors import ConfigurationError, Unauthenticated

NOW = datetime(2026, 11, 22, tzinfo=UTC)

BILLING = Principal.from_key("billing", [Scope.CHAT])


def made(name: str = "billing", days: int | None = None) -> NewKey:
    return NewKey.make(name, [Scope.CHAT], None if days is None else NOW + timedelta(days=days))


def write(file: Path, *keys: NewKey, note: str = "") -> Path:
    file.write_text("".join([note, *(f"{key.record.line}\n" for key in keys)]))
    return file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keys.jsonl"


def test_a_key_of_the_file_is_its_callers_and_any_other_text_is_nobodys(file: Path) -> None:
    key, other = made(), made("other")
    keys = ApiKeys(write(file, key, other, note="# of the shop\n\n"))
    assert keys.principal(key.text) == BILLING
    assert keys.count == 2
    secret = other.text.split("_", 2)[2]
    wrong = [key.text[:-1], f"{key.text}x", f"ak_{key.record.id}_{secret}", "ak_", "", "ak_ü", "é"]
    for text in wrong:
        with pytest.raises(Unauthenticated) as refusal:
            keys.principal(text)
        assert refusal.value.reason == "unknown_key"


@pytest.mark.parametrize("at", [0, 7, 8, 31, 62, 63])
def test_a_digest_counts_to_its_last_digit(file: Path, at: int) -> None:
    key = made()
    digest = key.record.sha256
    other = digest[:at] + ("0" if digest[at] != "0" else "1") + digest[at + 1 :]
    file.write_text(key.record.line.replace(digest, other))
    with pytest.raises(Unauthenticated) as refusal:
        ApiKeys(file).principal(key.text)
    assert refusal.value.reason == "unknown_key"


@pytest.mark.parametrize(("days", "counts"), [(-1, False), (0, False), (1, True)])
def test_a_key_counts_until_its_time_is_over(file: Path, days: int, counts: bool) -> None:
    key = made(days=days)
    keys = ApiKeys(write(file, key), clock=NOW.timestamp)
    if counts:
        assert keys.principal(key.text) == BILLING
        return
    with pytest.raises(Unauthenticated) as refusal:
        keys.principal(key.text)
    assert refusal.value.reason == "expired_key"


@pytest.mark.checklist("CFG-1")
def test_neither_the_file_nor_what_is_in_memory_holds_a_key(file: Path) -> None:
    key = made()
    secret = key.text.split("_", 2)[2]
    keys = ApiKeys(write(file, key))
    assert len(secret) >= 43
    assert secret not in file.read_text() + repr(vars(keys))


def test_a_rotation_counts_from_the_next_request_on(file: Path) -> None:
    old, new = made(), made()
    keys = ApiKeys(write(file, old))
    write(file, old, new)
    assert keys.principal(old.text) == keys.principal(new.text)
    write(file, new)
    assert keys.principal(new.text) == BILLING
    with pytest.raises(Unauthenticated):
        keys.principal(old.text)
    write(file)
    with pytest.raises(Unauthenticated):
        keys.principal(new.text)
    assert (keys.count, keys.problem) == (0, None)


def test_a_mounted_secret_that_changes_by_its_link_is_seen(tmp_path: Path, file: Path) -> None:
    old, new = made(), made()
    for folder, key in (("1", old), ("2", new)):
        (tmp_path / folder).mkdir()
        long_ago = write(tmp_path / folder / "keys", key)
        os.utime(long_ago, (1, 1))  # the same time, and the same size
    file.symlink_to(tmp_path / "1" / "keys")
    keys = ApiKeys(file)
    assert keys.principal(old.text) == BILLING
    file.unlink()
    file.symlink_to(tmp_path / "2" / "keys")
    assert keys.principal(new.text) == BILLING


def test_a_file_that_has_not_changed_is_not_read_again(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = made()
    os.utime(write(file, key), (1, 1))
    keys = ApiKeys(file)
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("it was read"))
    assert keys.principal(key.text) == BILLING


BROKEN = {
    "{": "line 1: no JSON object",
    "[]": "line 1: no JSON object",
    '{"id": "x"}': "line 1: wrong id, name, scopes, sha256",
    "\n\nsecret-4711": "line 3: no JSON object",
}


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_file_stops_the_start_and_is_not_shown(file: Path, text: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigurationError) as refusal:
        ApiKeys(file)
    assert refusal.value.problems == (f"API_KEYS_FILE: {BROKEN[text]}",)


def test_a_missing_file_stops_the_start(file: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"API_KEYS_FILE: cannot be read \(No such file"):
        ApiKeys(file)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"{", "line 1: no JSON object"),
        (b"\xff", "is not UTF-8 text"),
        (b"#" * (FILE_MAX_BYTES + 1), f"larger than {FILE_MAX_BYTES} bytes"),
        (None, "cannot be read (No such file or directory)"),
    ],
    ids=["no JSON", "no text", "too large", "gone"],
)
def test_a_file_that_breaks_later_leaves_the_keys_in_force_until_it_is_mended(
    file: Path, content: bytes | None, problem: str
) -> None:
    key, next_key = made(), made()
    keys = ApiKeys(write(file, key))
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    assert keys.principal(key.text) == BILLING
    assert keys.problem == problem
    write(file, next_key)
    assert keys.principal(next_key.text) == BILLING
    assert keys.problem is None


def test_a_key_that_is_there_twice_is_told(file: Path) -> None:
    key = made()
    with pytest.raises(ConfigurationError, match=f"line 2: the id {key.record.id} is there twice"):
        ApiKeys(write(file, key, key))


@pytest.mark.parametrize("name", ["", "a b", "a\n", "ñ", "n" * 65])
def test_a_name_that_a_file_or_a_log_could_misread_is_none(name: str) -> None:
    with pytest.raises(ValidationError):
        made(name)


def test_no_two_keys_are_the_same() -> None:
    assert len({made().text for _ in range(100)}) == 100
