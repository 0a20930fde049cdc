"""Tests of `lines`."""

import os
import re
import subprocess
import sys

from tests.support.processes import PROJECT


def test_settings_may_come_as_lines_of_one_variable_and_another_one_wins() -> None:
    """In a process of its own: they are spread when settings are first imported."""
    lines = '# one=1\nOIDC_SCOPES=token\n\nPORT=8001\nSOME_TEXT={"a": "b=c"}\n'
    given = {"SETTINGS": lines, "PORT": "8002", "OIDC_SCOPES": "", "SOME_TEXT": "", "PYTHONPATH": str(PROJECT / "src")}
    code = "from harness.cli import main; import os; main(['settings']); print(os.environ['SOME_TEXT'])"
    told = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **given}, capture_output=True, text=True, check=True
    ).stdout
    assert re.search(r"OIDC_SCOPES\W+token\W+environment", told)
    assert re.search(r"PORT\W+8002\W+environment", told)
    assert told.endswith('{"a": "b=c"}\n')
