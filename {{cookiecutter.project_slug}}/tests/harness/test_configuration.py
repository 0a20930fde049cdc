from pathlib import Path

import pytest
from pydantic import SecretStr

from harness.configuration import Configuration
from harness.errors import ConfigurationError
from harness.settings import Settings


def write(folder: Path, text: str) -> Path:
    path = folder / ".env"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_value_is_taken_from_the_first_source_that_has_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Configuration, "secrets_dir", tmp_path)
    steps = []
    steps.append(Settings().port)
    (tmp_path / "port").write_text("8001\n")
    steps.append(Settings().port)
    monkeypatch.setattr(Configuration, "env_file", write(tmp_path, "PORT=8002\nUNKNOWN=1\n"))
    steps.append(Settings().port)
    monkeypatch.setenv("PORT", "8003")
    steps.append(Settings().port)
    steps.append(Settings(port=8004).port)
    assert steps == [8000, 8001, 8002, 8003, 8004]


def test_all_problems_are_named_at_once_and_no_value_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "secret-4711")
    monkeypatch.setenv("LLM_MODEL", "secret 4711")
    monkeypatch.setenv("LOG_LEVEL", "secret-4711")
    with pytest.raises(ConfigurationError) as refused:
        Settings()
    names = [problem.split(":")[0] for problem in refused.value.problems]
    assert sorted(names) == ["LLM_MODEL", "LOG_LEVEL", "PORT"]
    assert "TCP port that the server listens on." in str(refused.value)
    assert "4711" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_PLANNER_MODEL", "")
    monkeypatch.setenv("LLM_TEMPERATURE", "")
    assert Settings().llm_planner_model is None
    assert Settings().llm_temperature is None


def test_a_setting_without_a_description_is_still_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Bare(Configuration):
        """What somebody wrote in a hurry."""

        bare: int = 1

    monkeypatch.setenv("BARE", "x")
    with pytest.raises(ConfigurationError, match=r"^BARE: Input should be a valid integer"):
        Bare()


NAMES = ("PORT", "LOG_LEVEL", "USE_FAKE_DATA", "AUTHENTICATION=off", "DATABASE_URL=memory", "REDIS_URL", "WORKERS")


def test_the_rules_over_several_settings_are_told_with_everything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "none")
    monkeypatch.setenv("LOG_LEVEL", "loud")
    monkeypatch.setenv("ENVIRONMENT", "production")
    monkeypatch.setenv("DATABASE_URL", "memory://")
    monkeypatch.setenv("WORKERS", "3")
    with pytest.raises(ConfigurationError) as refused:
        Settings()
    told = [name for problem in refused.value.problems for name in NAMES if name in problem]
    assert sorted(told) == sorted(NAMES)
    assert len(refused.value.problems) == len(NAMES)


def test_a_rule_about_a_value_that_is_wrong_itself_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")
    monkeypatch.setenv("USE_FAKE_DATA", "perhaps")
    monkeypatch.setenv("AUTHENTICATION", "keys")
    monkeypatch.setenv("API_KEYS_FILE", "keys.jsonl")
    with pytest.raises(ConfigurationError) as refused:
        Settings()
    assert [problem.split(":")[0] for problem in refused.value.problems] == ["USE_FAKE_DATA"]


def test_settings_do_not_change_after_the_start(settings: Settings) -> None:
    with pytest.raises(ValueError, match="frozen"):
        settings.port = 1  # type: ignore[misc]  # what the type says, shown at run time


@pytest.mark.checklist("CFG-1")
def test_a_mounted_file_gives_a_secret_that_is_never_printed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "llm_api_key").write_text("from-the-file\n")
    monkeypatch.setattr(Configuration, "secrets_dir", tmp_path)
    settings = Settings()
    assert settings.llm_api_key == SecretStr("from-the-file")
    assert "from-the-file" not in f"{settings!r} {settings} {settings.model_dump_json()}"


def test_a_list_that_is_no_json_is_named_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    class Listed(Configuration):
        feeds: list[str] = []

    monkeypatch.setenv("FEEDS", "https://user:hunter2@feeds.example")
    with pytest.raises(ConfigurationError, match="FEEDS: this is no JSON") as refusal:
        Listed()
    assert "hunter2" not in str(refusal.value)
