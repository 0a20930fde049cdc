"""Tests of `lines`."""

import os
import re

import pytest

from harness.cli import main


def test_settings_may_come_as_lines_of_one_variable_and_another_one_wins(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SETTINGS", '# one=1\nOIDC_SCOPES=token\n\nPORT=8001\nSOME_TEXT={"a": "b=c"}\n')
    monkeypatch.setenv("PORT", "8002")
    for name in ("OIDC_SCOPES", "SOME_TEXT"):
        monkeypatch.setenv(name, "")
    assert main(["settings"]) == 0
    assert re.search(r"OIDC_SCOPES\W+token\W+environment", capsys.readouterr().out)
    assert [os.environ[it] for it in ("OIDC_SCOPES", "PORT", "SOME_TEXT")] == ["token", "8002", '{"a": "b=c"}']
