import pytest

from harness.application import Application
from harness.cli import main
from tests.support.agents import TEST_AGENTS


@pytest.mark.parametrize(
    ("language", "shown"),
    [("en", ("Moons of a planet.", "Tides in Vigo")), ("es", ("Lunas de un", "Mareas en Vigo"))],
)
def test_every_agent_is_listed_in_the_services_language(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    language: str,
    shown: tuple[str, ...],
) -> None:
    monkeypatch.setattr(Application, "load", lambda: Application(TEST_AGENTS))
    monkeypatch.setenv("LANGUAGE", language)
    monkeypatch.setenv("COLUMNS", "120")
    assert main(["agents"]) == 0
    told = capsys.readouterr().out
    for text in (*shown, "moons", "heights", "flaky", "buggy"):
        assert text in told
