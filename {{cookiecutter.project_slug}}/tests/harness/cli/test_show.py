from pathlib import Path

import pytest

from harness.application import Application
from harness.cli import main
from harness.project import Project
from harness.settings import Configuration
from harness.telemetry.redaction import MASK
from tests.support.agents import TEST_AGENTS

ROOT = Path(__file__).parents[3]
UNRENDERED = Project.load().name.startswith("{")


def rows(text: str) -> dict[str, list[str]]:
    """The table's rows: setting -> value and origin."""
    cells = ([cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines())
    return {row[0]: row[1:] for row in cells if row}


def test_the_table_tells_where_each_value_comes_from(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("PORT=8001\nHISTORY_TURNS=2\nLANGUAGE=es\n")
    (tmp_path / "llm_api_key").write_text("hidden-value")
    (tmp_path / "language").write_text("en")
    monkeypatch.setattr(Configuration, "env_file", tmp_path / ".env")
    monkeypatch.setattr(Configuration, "secrets_dir", tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("PORT", "8002")
    monkeypatch.setenv("LLM_BASE_URL", "https://ana:hunter2@gateway.example/v1")
    monkeypatch.setattr(Application, "load", lambda: Application(TEST_AGENTS))
    assert main(["settings"]) == 0
    told = capsys.readouterr().out
    table = rows(told)
    assert table["PORT"] == ["8002", "environment"]
    assert table["HISTORY_TURNS"] == ["2", ".env"]
    assert table["LANGUAGE"] == ["es", ".env"]
    assert table["LLM_API_KEY"] == [MASK, "secret file"]
    assert table["HOST"] == ["127.0.0.1", "default"]
    assert table["LLM_BASE_URL"] == [f"https://{MASK}@gateway.example/v1", "environment"]
    assert "hidden-value" not in told
    assert "hunter2" not in told


def test_a_secret_that_is_not_set_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    main(["settings"])
    assert rows(capsys.readouterr().out)["LLM_API_KEY"] == ["", "default"]


@pytest.mark.parametrize("form", ["env", "markdown"])
def test_the_pages_do_not_depend_on_the_values_in_force(
    capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    main(["settings", "--format", form])
    plain = capsysbinary.readouterr().out
    monkeypatch.setenv("PORT", "no number")
    assert main(["settings", "--format", form]) == 0
    assert capsysbinary.readouterr().out == plain
    assert b"\r" not in plain


@pytest.mark.checklist("CODE-3")
@pytest.mark.skipif(UNRENDERED, reason="the template's own pages hold its conditions")
@pytest.mark.parametrize(
    ("form", "file"), [("env", ".env.example"), ("markdown", "docs/configuration.md")]
)
def test_the_generated_pages_say_what_the_settings_say(
    capsysbinary: pytest.CaptureFixture[bytes], form: str, file: str
) -> None:
    main(["settings", "--format", form])
    wanted = capsysbinary.readouterr().out.decode()
    found = (ROOT / file).read_text(encoding="utf-8")
    assert found == wanted, f"{file} is stale: nox -s generate"
