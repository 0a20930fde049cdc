from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import AnyHttpUrl, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from harness.application import Application
from harness.cli import main
from harness.cli.settings_reference import SettingDoc, SettingsReference
from harness.project import Project
from harness.runtime.agent import Agent
from harness.settings import MODEL_EXAMPLES, Configuration, Settings
from harness.telemetry.redaction import MASK
from tests.support.agents import TEST_AGENTS, HeightsAgent, MoonsAgent


class ManySettings(Configuration):
    """One setting of each kind."""

    model_config = SettingsConfigDict(env_prefix="MANY_")

    size: Literal["a|b", "c"] = "a|b"
    """Of a
    size."""
    count: int = Field(default=3, ge=1, lt=9)
    share: float | None = Field(default=None, gt=0)
    ready: bool = True
    key: SecretStr | None = SecretStr("never shown")
    address: AnyHttpUrl | None = None
    folder: Path = Path("data") / "files"
    outlets: tuple[str, ...] = ("one", "two")


class ManyAgent(MoonsAgent):
    """An agent with settings."""

    name = "many"
    settings_class = ManySettings  # type: ignore[assignment]  # TableAgent needs none


def reference(*agents: type[Agent[Any]]) -> SettingsReference:
    return SettingsReference(Application(agents), "openai")


@pytest.mark.parametrize(
    ("field", "default", "allowed"),
    [
        ("size", "a|b", "a|b, c"),
        ("count", "3", "from 1 below 9"),
        ("share", "", "above 0"),
        ("ready", "true", "true, false"),
        ("key", "", ""),
        ("address", "", ""),
        ("folder", "data/files", ""),
        ("outlets", '["one","two"]', ""),
    ],
)
def test_a_knob_tells_the_default_and_what_is_allowed(field: str, default: str, allowed: str) -> None:
    knob = SettingDoc.from_field(ManySettings, field)
    assert (knob.variable, knob.default, knob.allowed) == (f"MANY_{field.upper()}", default, allowed)
    assert knob.is_secret == (field == "key")


@pytest.mark.parametrize(("value", "typed"), [(None, ""), (0.25, "0.25"), (20.0, "20"), (False, "false"), (7, "7")])
def test_a_value_is_shown_as_one_types_it(value: object, typed: str) -> None:
    assert SettingDoc.typed(value) == typed


def test_a_default_as_typed_is_read_as_that_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for owner in (Settings, ManySettings):
        for field in owner.model_fields:
            knob = SettingDoc.from_field(owner, field)
            if knob.default:
                monkeypatch.setenv(knob.variable, knob.default)
    assert Settings() == Settings.model_construct()
    assert ManySettings() == ManySettings.model_construct()


def test_the_services_subjects_are_first_and_endpoints_and_agents_follow_by_name() -> None:
    sections = list(reference(MoonsAgent, ManyAgent, HeightsAgent).sections())
    subjects = [subject.title for subject in Settings.subjects()]
    endpoints = [f"Endpoint {name}" for name in Settings.of_endpoints()]
    assert [section.title for section in sections] == [*subjects, *endpoints, "Agent many"]


def test_every_setting_of_the_service_belongs_to_one_subject() -> None:
    shown = [name for subject in Settings.subjects() for name in subject.model_fields]
    assert sorted(shown) == sorted(Settings.model_fields)


@pytest.mark.parametrize("provider", MODEL_EXAMPLES)
def test_the_pages_show_a_model_of_the_chosen_provider(provider: str) -> None:
    pages = SettingsReference(Application([]), provider)
    assert f"# LLM_MODEL={MODEL_EXAMPLES[provider]}" in pages.env().splitlines()
    assert f"Example: `{MODEL_EXAMPLES[provider]}`." in pages.markdown()


def test_a_table_cell_keeps_its_bar_and_a_secret_its_default_hidden() -> None:
    pages = reference(ManyAgent)
    lines = pages.markdown().splitlines()
    assert r"| `MANY_SIZE` | Of a size. | `a\|b` | a\|b, c |" in lines
    assert "| `MANY_KEY` |  |  |  |" in lines
    assert "never shown" not in pages.markdown() + pages.env()


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


def test_what_the_start_would_refuse_or_warn_of_is_told_below_the_table(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLM_MODEL", "opnai:gpt")
    monkeypatch.setenv("DATABSE_URL", "x")
    assert main(["settings"]) == 2
    told = capsys.readouterr()
    assert "LLM_MODEL" in told.out
    assert "LLM_MODEL: opnai:gpt cannot be used: the provider is not one of openai" in told.err
    assert "did you mean DATABASE_URL?" in told.err


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
@pytest.mark.parametrize(("form", "file"), [("env", ".env.example"), ("markdown", "docs/configuration.md")])
def test_the_generated_pages_say_what_the_settings_say(
    capsysbinary: pytest.CaptureFixture[bytes], form: str, file: str
) -> None:
    main(["settings", "--format", form])
    wanted = capsysbinary.readouterr().out.decode()
    found = (ROOT / file).read_text(encoding="utf-8")
    assert found == wanted, f"{file} is stale: nox -s generate"
