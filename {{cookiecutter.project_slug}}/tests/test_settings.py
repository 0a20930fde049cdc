from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

import app.agents  # noqa: F401  # their settings are held to the same rules
from app.errors import Misconfigured
from app.observability.redaction import Redactor
from app.settings import EMBEDDED, MODEL_EXAMPLES, Configuration, Settings


def owners(root: type[Configuration] = Configuration) -> Iterator[type[Configuration]]:
    """Every settings class of the service; those of tests are left out."""
    for child in root.__subclasses__():
        if child.__module__.partition(".")[0] == "app":
            yield child
        yield from owners(child)


def write(folder: Path, text: str) -> Path:
    path = folder / ".env"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_defaults_need_no_key_and_no_network() -> None:
    settings = Settings()
    assert settings.llm_model == EMBEDDED
    assert settings.llm_api_key is None
    assert settings.use_fake_data
    assert settings.host == "127.0.0.1"


def test_a_value_is_taken_from_the_first_source_that_has_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
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


def test_all_problems_are_named_at_once_and_no_value_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PORT", "secret-4711")
    monkeypatch.setenv("LLM_MODEL", "secret 4711")
    monkeypatch.setenv("LOG_LEVEL", "secret-4711")
    with pytest.raises(Misconfigured) as refused:
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
    with pytest.raises(Misconfigured, match=r"^BARE: Input should be a valid integer"):
        Bare()


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"use_fake_data": True}, "USE_FAKE_DATA"),
        ({"database_url": "memory://"}, "DATABASE_URL"),
    ],
)
def test_production_refuses_what_only_development_may_do(
    changed: dict[str, Any], told: str
) -> None:
    good: dict[str, Any] = {"environment": "production", "use_fake_data": False}
    assert Settings(**good).environment == "production"
    with pytest.raises(Misconfigured, match=told) as refused:
        Settings(**{**good, **changed})
    assert len(refused.value.problems) == 1


@pytest.mark.parametrize("model", [EMBEDDED, *MODEL_EXAMPLES.values()])
def test_every_example_of_a_model_is_accepted(model: str) -> None:
    assert Settings(llm_model=model, llm_writer_model=model).llm_model == model


@pytest.mark.checklist("CFG-1", "SEC-2")
def test_the_password_of_the_database_is_a_secret() -> None:
    settings = Settings(database_url="postgresql://someone:hunter%402@localhost/threads")
    assert "hunter" not in f"{settings!r} {settings}"
    redactor = Redactor([settings])
    assert "hunter" not in redactor.text("password hunter@2 or hunter%402 was refused")


def test_several_processes_need_a_database_that_keeps_their_turns_apart() -> None:
    url = "postgresql://localhost/threads"
    assert Settings(workers=2, database_url=url).workers == 2
    for other in ("memory://", "sqlite:///threads.sqlite"):
        with pytest.raises(Misconfigured, match=r"WORKERS.*postgresql"):
            Settings(workers=2, database_url=other)


def test_the_rules_over_several_settings_are_told_with_everything_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PORT", "none")
    monkeypatch.setenv("LOG_LEVEL", "loud")
    monkeypatch.setenv("ENVIRONMENT", "production")
    monkeypatch.setenv("DATABASE_URL", "memory://")
    monkeypatch.setenv("WORKERS", "3")
    with pytest.raises(Misconfigured) as refused:
        Settings()
    told = [
        name
        for problem in refused.value.problems
        for name in ("PORT", "LOG_LEVEL", "USE_FAKE_DATA", "DATABASE_URL=memory", "WORKERS")
        if name in problem
    ]
    assert sorted(told) == ["DATABASE_URL=memory", "LOG_LEVEL", "PORT", "USE_FAKE_DATA", "WORKERS"]
    assert len(refused.value.problems) == 5


def test_a_rule_about_a_value_that_is_wrong_itself_is_not_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")
    monkeypatch.setenv("USE_FAKE_DATA", "perhaps")
    with pytest.raises(Misconfigured) as refused:
        Settings()
    assert [problem.split(":")[0] for problem in refused.value.problems] == ["USE_FAKE_DATA"]


def test_settings_do_not_change_after_the_start(settings: Settings) -> None:
    with pytest.raises(ValueError, match="frozen"):
        settings.port = 1  # type: ignore[misc]  # what the type says, shown at run time


@pytest.mark.checklist("CFG-1")
def test_what_is_named_as_a_secret_has_the_secret_type() -> None:
    named = [
        field
        for owner in owners()
        for name, field in owner.model_fields.items()
        if name.endswith(("key", "token", "secret", "password"))
    ]
    assert named
    assert all("SecretStr" in str(field.annotation) for field in named)


@pytest.mark.checklist("CFG-1")
def test_a_mounted_file_gives_a_secret_that_is_never_printed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "llm_api_key").write_text("from-the-file\n")
    monkeypatch.setattr(Configuration, "secrets_dir", tmp_path)
    settings = Settings()
    assert settings.llm_api_key == SecretStr("from-the-file")
    assert "from-the-file" not in f"{settings!r} {settings} {settings.model_dump_json()}"


@pytest.mark.checklist("CODE-3")
def test_every_setting_is_described_and_every_number_bounded() -> None:
    for owner in owners():
        for name, field in owner.model_fields.items():
            assert field.description, owner.variable(name)
            if field.annotation in (int, float, int | None, float | None):
                assert field.metadata, f"{owner.variable(name)} has no bound"


@pytest.mark.checklist("CODE-3")
@pytest.mark.parametrize("unit", ["seconds", "bytes", "chars", "tokens"])
def test_a_setting_that_measures_names_its_unit(unit: str) -> None:
    about = {"seconds": "seconds", "bytes": "bytes", "chars": "characters", "tokens": "tokens"}
    measured = [f for n, f in Settings.model_fields.items() if n.endswith(unit)]
    assert measured
    assert all(about[unit] in (field.description or "") for field in measured)


def test_a_list_that_is_no_json_is_named_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    class Listed(Configuration):
        feeds: list[str] = []

    monkeypatch.setenv("FEEDS", "https://user:hunter2@feeds.example")
    with pytest.raises(Misconfigured, match="FEEDS: this is no JSON") as refusal:
        Listed()
    assert "hunter2" not in str(refusal.value)
