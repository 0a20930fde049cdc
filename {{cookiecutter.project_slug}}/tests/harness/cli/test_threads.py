"""`threads export` and `threads import`: from store to store, by a file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from harness.cli import main

Run = Callable[..., int]

TURN = {"question": "How many moons has Mars?", "language": "en", "answer": "2.", "agents": ["moons"], "asked": False}


def line(**parts: Any) -> str:
    moment = "2026-01-02T03:04:05Z"
    given = {"version": 1, "owner": "", "thread_id": "t1", "updated_at": moment, "history": [TURN], "waiting": 0}
    return orjson.dumps(given | parts).decode() + "\n"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    def started(store: str, *arguments: str) -> int:
        monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/{store}.sqlite")
        monkeypatch.chdir(tmp_path)
        return main(["threads", *arguments])

    return started


def test_what_was_printed_is_imported_and_printed_again(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = line(owner="a" * 32, waiting=2) + line()  # by owner and name
    (tmp_path / "x.jsonl").write_text(lines + "\n")
    assert run("one", "import", "x.jsonl") == 0
    told = capsys.readouterr()
    assert told.out == "2 imported, 0 unchanged, 0 refused\n"
    assert "2 calls waited for approval and were not moved" in told.err
    assert run("one", "export") == 0
    printed = capsys.readouterr()
    assert printed.out == lines.replace('"waiting":2', '"waiting":0')
    assert printed.err == "2 conversations\n"
    assert run("one", "import", "x.jsonl") == 0
    assert capsys.readouterr().out == "0 imported, 2 unchanged, 0 refused\n"


def test_other_turns_are_replaced_only_when_told(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.jsonl").write_text(line() + line(thread_id="t2"))
    (tmp_path / "y.jsonl").write_text(line(history=[TURN, TURN]) + line(thread_id="t3"))
    run("one", "import", "x.jsonl")
    assert run("one", "import", "y.jsonl") == 1
    told = capsys.readouterr()
    assert told.out.endswith("1 imported, 0 unchanged, 1 refused\n")
    assert told.err == "y.jsonl:1: it has other turns here; --overwrite replaces them\n"
    assert run("one", "import", "y.jsonl", "--overwrite") == 0
    assert capsys.readouterr().out == "1 imported, 1 unchanged, 0 refused\n"
    run("one", "export")
    assert capsys.readouterr().out == line(history=[TURN, TURN]) + line(thread_id="t2") + line(thread_id="t3")


def test_each_wrong_line_is_named_and_nothing_is_imported(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = ["planted\n", line(thread_id="planted x"), line(history=[{"question": "planted"}]), line(), "\udcff\n"]
    text = line() + "".join(wrong)
    (tmp_path / "x.jsonl").write_text(text, errors="surrogateescape", encoding="utf-8")
    assert run("one", "import", "x.jsonl") == 2
    told = capsys.readouterr()
    assert (told.out, "planted" in told.err) == ("", False)
    places = [it.split(": ")[:2] for it in told.err.splitlines()]
    assert places == [
        ["x.jsonl:2", "line"],
        ["x.jsonl:3", "thread_id"],
        ["x.jsonl:4", "history.0.language"],
        ["x.jsonl:5", "the same conversation as in line 1"],
        ["x.jsonl:6", "line"],
    ]
    run("one", "export")
    assert capsys.readouterr().out == ""
    (tmp_path / "x.jsonl").write_text("{}\n" * 25)
    run("one", "import", "x.jsonl")
    assert capsys.readouterr().err.splitlines()[20:] == ["and 5 more"]


def test_a_file_that_is_not_there_is_named(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("one", "import", "nowhere.jsonl") == 2
    assert capsys.readouterr().err.startswith("nowhere.jsonl: cannot be read (")
