"""Ctrl-C: nobody wants the traceback of an import."""

import pytest

from harness.cli import command, main


def test_who_interrupts_a_start_sees_no_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "import_module", interrupted)
    assert main(["serve"]) == 130
    assert capsys.readouterr().err == ""
