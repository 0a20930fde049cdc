from pathlib import Path

import pytest

from tools.policy import Tools


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tools:
    """Linters of a small project, whose installer does nothing."""
    (tmp_path / "tools").mkdir()
    (tmp_path / Tools.WANTED).write_text("checkov==1\n", encoding="utf-8")
    monkeypatch.setattr(Tools, "_do", lambda *_: None)
    return Tools(tmp_path)


def test_linters_that_are_wanted_anew_are_no_longer_there(tools: Tools, tmp_path: Path) -> None:
    assert not Tools(tmp_path).are_there
    tools.install()
    assert tools.are_there
    (tmp_path / Tools.WANTED).write_text("checkov==2\n", encoding="utf-8")
    assert not Tools(tmp_path).are_there


def test_what_they_lock_lies_where_neither_git_nor_another_scan_looks(
    tools: Tools, tmp_path: Path
) -> None:
    tools.install()
    assert {it.name for it in tmp_path.iterdir()} == {"tools", ".nox"}
