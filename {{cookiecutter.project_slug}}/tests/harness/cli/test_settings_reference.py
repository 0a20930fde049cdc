from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import AnyHttpUrl, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from harness.application import Application
from harness.cli.settings_reference import SettingDoc, SettingsReference
from harness.runtime.agent import Agent
from harness.settings import MODEL_EXAMPLES, Configuration, Settings
from tests.support.agents import HeightsAgent, MoonsAgent


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
def test_a_knob_tells_the_default_and_what_is_allowed(
    field: str, default: str, allowed: str
) -> None:
    knob = SettingDoc.from_field(ManySettings, field)
    assert (knob.variable, knob.default, knob.allowed) == (
        f"MANY_{field.upper()}",
        default,
        allowed,
    )
    assert knob.is_secret == (field == "key")


@pytest.mark.parametrize(
    ("value", "typed"), [(None, ""), (0.25, "0.25"), (20.0, "20"), (False, "false"), (7, "7")]
)
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


def test_the_services_subjects_are_first_and_agents_follow_by_name() -> None:
    sections = list(reference(MoonsAgent, ManyAgent, HeightsAgent).sections())
    subjects = [subject.title for subject in Settings.SUBJECTS]
    assert [section.title for section in sections] == [*subjects, "Agent many"]


def test_every_setting_of_the_service_belongs_to_one_subject() -> None:
    shown = [name for subject in Settings.SUBJECTS for name in subject.model_fields]
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
