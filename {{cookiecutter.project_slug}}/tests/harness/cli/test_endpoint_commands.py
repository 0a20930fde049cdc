"""Commands that endpoints bring, of a planted one: named as data, imported when they run."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import harness.endpoints
from harness.cli import main
from harness.cli.command import CommandLine
from harness.project import Extra

COMMANDS = """
[echo]
about = "answer over a pipe"
run = "commands.Say"

["echo twice"]
about = "say it twice"
run = "commands.Say"
arguments = [{ name = "word" }, { name = "--loud", action = "store_true", help = "in capitals" }]

["echo never"]
about = "needs what is not there"
run = "missing.Say"
"""

SAY = """
class Say:
    def __init__(self, word="echo", loud=False):
        self.word = word.upper() if loud else word

    def run(self):
        print(self.word)
"""


@pytest.fixture(autouse=True)
def _planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    folder = tmp_path / "endpoints" / "echo"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "commands.py").write_text(SAY)
    (folder / "missing.py").write_text("import echo_sdk_of_nobody\n")
    (folder / "commands.toml").write_text(COMMANDS)
    monkeypatch.setattr(CommandLine, "ENDPOINTS", folder.parent)
    monkeypatch.setattr(harness.endpoints, "__path__", [str(folder.parent)])
    yield
    for module in [it for it in sys.modules if it.startswith("harness.endpoints.echo")]:
        del sys.modules[module]


@pytest.mark.parametrize(
    ("arguments", "said"), [(["echo"], "echo"), (["echo", "twice", "a"], "a"), (["echo", "twice", "a", "--loud"], "A")]
)
def test_a_command_of_an_endpoint_runs(capsys: pytest.CaptureFixture[str], arguments: list[str], said: str) -> None:
    assert main(arguments) == 0
    assert capsys.readouterr().out.strip() == said


def test_nothing_of_an_endpoint_is_imported_for_another_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["agents"]) == 0
    assert not [it for it in sys.modules if it.startswith("harness.endpoints.echo")]


def test_a_command_whose_extra_is_missing_says_how_to_install_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ModuleNotFoundError):
        main(["echo", "never"])
    monkeypatch.setattr(Extra, "PACKAGES", {"echo": "echo-sdk"})
    assert main(["echo", "never"]) == 2
    assert "install the extra [echo]" in capsys.readouterr().err
