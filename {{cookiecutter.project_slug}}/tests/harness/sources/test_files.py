import asyncio
import os
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import PolicyViolation, SourceUnavailable
from harness.sources.files import Folder
from harness.sources.sql import CsvTables, ResultLimits


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with two files, and a secret beside it."""
    (tmp_path / "secret.md").write_text("planted", encoding="utf-8")
    folder = tmp_path / "docs"
    (folder / "more").mkdir(parents=True)
    (folder / "b.md").write_text("año", encoding="utf-8")
    (folder / "more" / "a.TXT").write_text("text", encoding="utf-8")
    return folder


@pytest.fixture
def folder(root: Path) -> Folder:
    return Folder(root, max_bytes=100)


def linked(link: Path, target: Path) -> None:
    try:
        link.symlink_to(target)
    except OSError:  # Windows without the right to make links
        pytest.skip("links cannot be made here")


def test_text_files_are_listed_with_relative_names_and_read(folder: Folder) -> None:
    assert folder.names() == ["b.md", "more/a.TXT"]
    assert [folder.read_text(name) for name in folder.names()] == ["año", "text"]


@pytest.mark.checklist("SCN-1")
@pytest.mark.parametrize(
    "name",
    [
        "../secret.md",
        "more/../../secret.md",
        "./b.md",
        "/etc/passwd.md",
        "{absolute}",
        "..\\secret.md",
        "C:secret.md",
        "//server/share/b.md",
        "\\\\server\\share\\b.md",
        "\\\\?\\C:\\b.md",
        "more//a.TXT",
        "%2e%2e/secret.md",
        "%2E%2E%2Fsecret.md",
        "%252e%252e/secret.md",
        "b.md%00.txt",
        "\uff0e\uff0e/secret.md",
        "\u2025/secret.md",
        "b.md\0.txt",
        "b.md\n.txt",
        "more /a.TXT",
        "NUL.txt",
        "more/con.md",
        "com1.txt",
        "b.md:stream.txt",
        "~root/b.md/..",
        "file:///etc/passwd.md",
        "",
        ".",
    ],
)
def test_a_name_that_could_lead_out_is_refused(folder: Folder, root: Path, name: str) -> None:
    name = name.replace("{absolute}", (root.parent / "secret.md").as_posix())
    with pytest.raises(PolicyViolation, match="outside the policy"):
        folder.read_text(name)


@pytest.mark.checklist("SCN-1")
def test_a_link_that_leads_out_is_neither_listed_nor_read(folder: Folder, root: Path) -> None:
    linked(root / "link.md", root.parent / "secret.md")
    linked(root / "link", root.parent)
    assert folder.names() == ["b.md", "more/a.TXT"]
    for name in ("link.md", "link/secret.md"):
        with pytest.raises(PolicyViolation, match="leads out"):
            folder.read_text(name)


def test_a_link_that_stays_inside_is_read(folder: Folder, root: Path) -> None:
    (root / "..data").mkdir()  # the layout of a mounted Kubernetes ConfigMap
    (root / "..data" / "c.md").write_text("inside", encoding="utf-8")
    linked(root / "c.md", root / "..data" / "c.md")
    assert folder.names() == ["b.md", "c.md", "more/a.TXT"]
    assert folder.read_text("c.md") == "inside"


@pytest.mark.checklist("SCN-1")
@pytest.mark.parametrize("name", ["run.sh", "page.html", ".env", ".hidden.md", "no_suffix"])
def test_other_types_and_hidden_files_are_neither_listed_nor_read(folder: Folder, root: Path, name: str) -> None:
    (root / name).write_text("x", encoding="utf-8")
    assert name not in folder.names()
    with pytest.raises(PolicyViolation):
        folder.read_text(name)


@pytest.mark.checklist("SCN-1")
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no such files")
def test_a_pipe_that_nobody_writes_is_refused_at_once(folder: Folder, root: Path) -> None:
    os.mkfifo(root / "pipe.md")
    assert "pipe.md" not in folder.names()
    with pytest.raises(PolicyViolation, match="no regular file"):
        folder.read_text("pipe.md")


@pytest.mark.checklist("SCN-1")
@pytest.mark.skipif(not Path("/dev/zero").is_char_device(), reason="this system has no device files")
def test_a_device_is_refused() -> None:
    devices = Folder(Path("/dev"), 100, frozenset({""}))  # no device has a text's name
    with pytest.raises(PolicyViolation, match="no regular file"):
        devices.read_text("zero")


@pytest.mark.checklist("SCN-1")
@pytest.mark.parametrize(("size", "passes"), [(99, True), (100, True), (101, False)])
def test_a_file_is_read_up_to_its_limit(folder: Folder, root: Path, size: int, passes: bool) -> None:
    (root / "big.md").write_text("a" * size, encoding="utf-8")
    if passes:
        assert len(folder.read_text("big.md")) == size
    else:
        with pytest.raises(SourceUnavailable, match="larger than DATA_MAX_BYTES=100"):
            folder.read_text("big.md")


def test_a_file_that_is_not_there_or_not_text_is_told(folder: Folder, root: Path) -> None:
    (root / "latin.md").write_bytes("año".encode("latin-1"))
    (root / "folder.md").mkdir()
    with pytest.raises(SourceUnavailable):
        folder.read_text("folder.md")
    with pytest.raises(SourceUnavailable, match="No such file"):
        folder.read_text("gone.md")
    with pytest.raises(SourceUnavailable, match="not UTF-8"):
        folder.read_text("latin.md")


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="no such folder"):
        Folder(tmp_path / "gone", max_bytes=100).names()


def test_no_folder_refuses_every_file() -> None:
    with pytest.raises(PolicyViolation, match="name a folder"):
        Folder(None, max_bytes=100).read_text("b.md")


async def test_while_the_disk_is_slow_the_event_loop_goes_on(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "prices.csv").write_text("name,price\nCoffee,4.90\n", encoding="utf-8")
    folder = Folder(root, max_bytes=100)
    tables = CsvTables(root, frozenset({"prices"}), ResultLimits(9, 100))
    waits, goes_on, real = threading.Event(), threading.Event(), Folder._real_root

    def slow(self: Folder) -> Path:
        waits.set()
        assert goes_on.wait(30), "the event loop is blocked"
        return real(self)

    monkeypatch.setattr(Folder, "_real_root", slow)
    reads: list[tuple[Callable[[], Awaitable[Any]], Any]] = [
        (folder.anames, ["b.md", "more/a.TXT"]),
        (lambda: folder.aread_text("b.md"), "año"),
        (lambda: tables.rows("SELECT price FROM prices", [], 30), [{"price": 4.9}]),
    ]
    for read, found in reads:
        waits.clear()
        goes_on.clear()
        reading = asyncio.ensure_future(read())
        await asyncio.to_thread(waits.wait, 30)
        goes_on.set()  # only a loop that goes on comes here
        assert await reading == found


def test_one_bad_file_is_named_and_the_rest_is_read(folder: Folder, root: Path) -> None:
    (root / "latin.md").write_bytes("año".encode("latin-1"))
    (root / "large.md").write_text("x" * 101, encoding="utf-8")
    assert folder.read_all() == {"b.md": "año", "more/a.TXT": "text"}
    assert folder.unread == {"latin.md": "it is not UTF-8", "large.md": "larger than DATA_MAX_BYTES=100"}


def test_a_folder_with_bad_files_alone_is_unavailable(root: Path) -> None:
    (root / "more" / "a.TXT").unlink()
    (root / "b.md").write_bytes(b"\xff")
    with pytest.raises(SourceUnavailable, match="it is not UTF-8"):
        Folder(root, max_bytes=100).read_all()
