"""Keys from the command line to the door."""

import sys
from pathlib import Path

import pytest

from harness.auth.api_key import ApiKey, ApiKeys
from harness.auth.principal import Principal, Scope
from harness.cli import main
from harness.errors import Unauthenticated


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "folder" / "keys.jsonl"
    monkeypatch.setenv("API_KEYS_FILE", str(file))
    monkeypatch.setenv("COLUMNS", "120")
    return file


def made(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[str, str]:
    """A new key and its line, as the command prints them."""
    assert main(["keys", "new", "--name", "billing", *options]) == 0
    *_, first, second = capsys.readouterr().out.splitlines()
    return first.partition(": ")[2], second.partition(": ")[2]


def test_a_new_key_is_printed_with_the_line_that_makes_it_count(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key, line = made(capsys)
    assert not file.exists()
    assert key not in line
    file.parent.mkdir()
    file.write_text(line)
    keys = ApiKeys(file)
    assert keys.principal(key) == Principal.from_key("billing", [Scope.CHAT, Scope.THREADS])


def test_a_key_is_made_with_scopes_and_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    _, line = made(capsys, "--scope", "metrics", "--scope", "chat", "--days", "30")
    kept = ApiKey.model_validate_json(line)
    assert kept.scopes == {Scope.METRICS, Scope.CHAT}
    assert kept.expires is not None


def test_a_key_that_is_appended_counts_at_once_and_is_revoked_alone(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, _ = made(capsys, "--append")
    file.write_text(f"# note\n\n{file.read_text()}")
    keys = ApiKeys(file)
    second, line = made(capsys, "--append", "--days", "30")
    assert keys.principal(first) == keys.principal(second)
    if sys.platform != "win32":
        assert file.stat().st_mode & 0o777 == 0o600
    key_id = ApiKey.model_validate_json(line).id

    assert main(["keys", "list"]) == 0
    shown = capsys.readouterr().out
    owner = Principal.from_key("billing", []).log_id
    assert [text in shown for text in (key_id, owner, "chat,threads", "never")] == [True] * 4
    assert second not in shown

    assert main(["keys", "revoke", key_id]) == 0
    assert keys.principal(first).id.startswith(owner)
    with pytest.raises(Unauthenticated):
        keys.principal(second)
    assert file.read_text().startswith("# note\n\n")
    assert list(file.parent.iterdir()) == [file]


def test_a_key_whose_time_is_over_is_shown_as_such(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, line = made(capsys, "--days", "30")
    over = ApiKey.model_validate_json(line).model_copy(update={"expires": "2026-01-01T00:00Z"})
    file.parent.mkdir()
    file.write_text(over.model_dump_json(warnings=False))
    assert main(["keys", "list"]) == 0
    assert "2026-01-01 00:00 (over)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["new", "--name", "a b"], "--name: "),
        (["new", "--name", "a", "--days", "0"], "--days: must be above 0"),
        (["new", "--name", "a", "--days", "99999999"], "--days: is beyond the calendar"),
        (["revoke", "00000000"], "id: no key of this id"),
    ],
)
def test_what_makes_no_sense_is_refused(
    file: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    file.parent.mkdir()
    file.write_text("")
    assert main(["keys", *arguments]) == 1
    assert capsys.readouterr().err.startswith(told)


@pytest.mark.parametrize("text", ["broken", None], ids=["broken", "missing"])
def test_a_file_that_cannot_be_read_is_told(file: Path, capsys: pytest.CaptureFixture[str], text: str | None) -> None:
    if text:
        file.parent.mkdir()
        file.write_text(text)
    assert main(["keys", "list"]) == 2
    assert capsys.readouterr().err.startswith("API_KEYS_FILE: ")


def test_a_file_that_cannot_be_written_is_told(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.parent.write_text("no folder")
    assert main(["keys", "new", "--name", "a", "--append"]) == 2
    told = capsys.readouterr()
    assert told.err.startswith("API_KEYS_FILE: cannot be written")
    assert told.out == ""


def test_without_a_file_nothing_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "list"]) == 2
    assert "API_KEYS_FILE: name the file first" in capsys.readouterr().err
