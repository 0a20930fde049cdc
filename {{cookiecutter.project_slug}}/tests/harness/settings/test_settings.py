from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

import app.agents  # noqa: F401  # their settings are held to the same rules
from harness.configuration import Configuration
from harness.errors import ConfigurationError
from harness.models.factory import LLMFactory
from harness.settings import EMBEDDED, MODEL_EXAMPLES, Settings
from harness.settings.network import OutgoingNetwork
from harness.settings.unknown import UnknownNames
from harness.telemetry.redaction import Redactor

Settings.of_endpoints()  # imported


def owners(root: type[Configuration] = Configuration) -> Iterator[type[Configuration]]:
    """Every settings class of the service; those of tests are left out."""
    for child in root.__subclasses__():
        if child.__module__.partition(".")[0] in ("app", "harness"):
            yield child
        yield from owners(child)


def test_the_defaults_need_no_key_and_no_network() -> None:
    settings = Settings()
    assert settings.llm_model == EMBEDDED
    assert settings.llm_api_key is None
    assert settings.use_fake_data
    assert settings.host == "127.0.0.1"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"use_fake_data": True}, "USE_FAKE_DATA"),
        ({"database_url": "memory://"}, "DATABASE_URL"),
        ({"authentication": "off"}, "AUTHENTICATION=off"),
        ({"oidc_issuer": "http://login.example"}, "OIDC_ISSUER without https"),
    ],
)
@pytest.mark.checklist("COST-1")
def test_production_refuses_what_only_development_may_do(changed: dict[str, Any], told: str) -> None:
    good: dict[str, Any] = {
        "environment": "production",
        "use_fake_data": False,
        "authentication": "keys",
        "api_keys_file": "keys.jsonl",
    }
    assert Settings(**good).environment == "production"
    with pytest.raises(ConfigurationError, match=told) as refused:
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


def test_the_password_of_redis_is_one_too() -> None:
    settings = Settings(redis_url=SecretStr("redis://:hunter%402@localhost/0"))
    assert "hunter" not in f"{settings!r} {settings}"
    assert "hunter" not in Redactor([settings]).text("hunter@2 was refused")


def test_several_processes_need_a_database_that_keeps_their_turns_apart() -> None:
    url = "postgresql://localhost/threads"
    assert Settings(workers=2, database_url=url).workers == 2
    for other in ("memory://", "sqlite:///threads.sqlite"):
        with pytest.raises(ConfigurationError, match=r"WORKERS.*postgresql"):
            Settings(workers=2, database_url=other)


@pytest.mark.checklist("COST-1")
@pytest.mark.parametrize(
    ("mode", "needed"),
    [
        ("keys", ["API_KEYS_FILE"]),
        ("oidc", ["OIDC_ISSUER", "OIDC_AUDIENCE"]),
        ("both", ["API_KEYS_FILE", "OIDC_ISSUER", "OIDC_AUDIENCE"]),
    ],
)
def test_callers_can_be_known_only_with_what_that_needs(mode: Any, needed: list[str]) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Settings(authentication=mode)
    problems = refused.value.problems
    assert [problem.split(" needs ")[1] for problem in problems] == needed


@pytest.mark.checklist("COST-1")
@pytest.mark.parametrize("algorithms", ["none", "HS256", "RS256,HS512", "RS256, ES256", "rs256"])
def test_an_algorithm_that_needs_no_key_pair_cannot_be_allowed(algorithms: str) -> None:
    with pytest.raises(ConfigurationError, match="OIDC_ALGORITHMS"):
        Settings(oidc_algorithms=algorithms)


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
    assert all(about[unit] in (field.description or "").lower() for field in measured)


@pytest.mark.parametrize(
    "acts", ["cart:mask", "card", "card:hide", "card:mask,card:refuse", "card:mask;iban:mask", ","]
)
def test_what_becomes_of_personal_data_is_said_in_a_form_that_the_refusal_teaches(acts: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Settings(personal_data_in=acts)
    assert "PERSONAL_DATA_IN: write `none`, or kind:act" in str(refused.value)
    assert "national_id" in str(refused.value)
    assert Settings(personal_data_in="card:mask, iban: refuse").personal_data_in


def test_personal_data_may_be_left_alone() -> None:
    assert Settings(personal_data_in="none", personal_data_out="none").personal_data_out == "none"


@pytest.mark.parametrize(
    ("text", "variable", "said"),
    [
        ("LLM_MODLE=a\n", "PATH", (["LLM_MODLE in .env is no setting; did you mean LLM_MODEL?"], [])),
        ("llm_models=a\n", "PATH", (["LLM_MODELS in .env is no setting; did you mean LLM_MODEL?"], [])),
        ("FAVOURITE_COLOUR=red\n", "PATH", ([], ["FAVOURITE_COLOUR in .env is no setting"])),
        ("PORT=8001\nTAG=1.0.0\n", "DATABSE_URL", ([], ["DATABSE_URL is no setting; did you mean DATABASE_URL?"])),
        ("OPENAI_LOG=x\nLLM_MODEL=a\n", "FAVOURITE_COLOUR", ([], [])),
    ],
)
def test_a_name_that_is_almost_a_setting_is_refused_in_the_file_and_told_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, variable: str, said: tuple[list[str], list[str]]
) -> None:
    (tmp_path / ".env").write_text(text)
    monkeypatch.setattr(Configuration, "env_file", tmp_path / ".env")
    monkeypatch.setenv(variable, "x")
    names = UnknownNames([Settings])
    assert ([*names.misspelt()], [*names.warnings()]) == said


OTHERS: set[type[Configuration]] = {it for it in owners() if not issubclass(Settings, it)}
OWNERS: list[type[Configuration]] = [Settings, *sorted(OTHERS, key=str)]

SECRETS = [
    (owner, name)
    for owner in OWNERS
    for name, field in owner.model_fields.items()
    if "SecretStr" in str(field.annotation)
]


@pytest.mark.parametrize("around", ["{}\n", "{}\r\n", " {} ", "\ufeff{}", "{}\u200b"], ids=repr)
@pytest.mark.parametrize(("owner", "name"), SECRETS, ids=[it[1] for it in SECRETS])
def test_a_secret_is_taken_without_what_stands_around_it(
    owner: type[Configuration], name: str, around: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INJECTION_CLASSIFIER_URL", "http://127.0.0.1:1")  # its key wants it
    value = "redis://:planted@127.0.0.1:1/0" if name.endswith("_url") else "planted=one"
    monkeypatch.setenv(owner.variable(name), around.format(value))
    assert getattr(owner(), name).get_secret_value() == value


@pytest.mark.parametrize("inside", ["planted\nkey", "planted\rkey", "planted\x00key", "planted\u200bkey"], ids=repr)
@pytest.mark.parametrize(("owner", "name"), SECRETS, ids=[it[1] for it in SECRETS])
def test_a_secret_with_a_line_end_inside_is_refused_by_name(owner: type[Configuration], name: str, inside: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        owner(**{name: inside})
    assert owner.variable(name) in str(refused.value)
    assert "planted" not in str(refused.value)


@pytest.mark.parametrize("end", ["\n", "\r\n", " "])
def test_an_address_with_a_password_is_taken_without_its_line_end(end: str) -> None:
    url = "postgresql://ana:planted@127.0.0.1/chat"
    assert Settings(database_url=f"{url}{end}").database_url == url


NO_FILE = "/no/such/file.pem"


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("ALL_PROXY", "socks5://ana:planted@127.0.0.1:1080", "socksio"),
        ("https_proxy", "socks5h://127.0.0.1:1080", "socksio"),
        ("HTTP_PROXY", "socks4://127.0.0.1:1080", "socks4"),
        ("HTTPS_PROXY", "http://127.0.0.1:port", "no address"),
        ("SSL_CERT_FILE", NO_FILE, "no such file"),
        ("SSL_CERT_FILE", __file__, "no certificate"),
        ("SSL_CERT_DIR", "/no/such/folder", "no such folder"),
    ],
)
def test_a_proxy_or_a_certificate_that_no_client_can_use_is_named_with_its_remedy(
    variable: str, value: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv(variable, value)
    monkeypatch.setattr("harness.settings.network.find_spec", lambda _: None)
    with pytest.raises(ConfigurationError) as refused:
        LLMFactory(Settings(llm_model="openai:any", llm_api_key=SecretStr("any")))
    (problem,) = refused.value.problems
    assert problem.startswith(f"{variable.upper()}: ")
    assert told in problem
    assert "planted" not in problem
    assert "extra" not in problem
    LLMFactory(Settings())  # who reaches nothing needs no way


def test_proxies_that_work_are_not_complained_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "proxy.example:3128")
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    monkeypatch.setattr("harness.settings.network.find_spec", lambda _: object())
    assert not list(OutgoingNetwork.problems())
    monkeypatch.setattr("harness.settings.network.find_spec", lambda _: None)
    monkeypatch.setenv("NO_PROXY", "localhost, *")
    assert not list(OutgoingNetwork.problems())


def test_a_provider_s_own_variable_with_a_line_end_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "planted-key\n")
    with pytest.raises(ConfigurationError, match="OPENAI_API_KEY") as refused:
        LLMFactory(Settings(llm_model="openai:any"))
    assert "planted" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["https://a.example", "http://10.0.0.7:8000", "https://a.example:8443/agents/one", "https://[::1]"]
)
def test_the_public_address_is_absolute(url: str) -> None:
    assert Settings(public_url=url).public_url == url


@pytest.mark.parametrize(
    "url",
    [
        *("a.example", "/agents", "ftp://a.example", "https://"),
        *("https://a.example?x", "https://a.example/x#y", "https://me:word@a.example", "https://a.example, https://b"),
        "https://a.example:99999",
    ],
)
def test_what_is_no_public_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="PUBLIC_URL"):
        Settings(public_url=url)


def test_the_public_address_is_kept_as_clients_write_it() -> None:
    for url in ("https://Agents.Example.com:443/x/../y", "https://agents.example.com/y/"):
        assert Settings(public_url=url).public_url == "https://agents.example.com/y"


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:8000"), ("0.0.0.0", "http://localhost:8000"), ("::1", "http://[::1]:8000")],
)
def test_a_process_is_reached_on_this_machine_where_it_listens(host: str, url: str) -> None:
    assert Settings(host=host).local_url == url


def test_several_audiences_are_read_one_by_one() -> None:
    assert Settings(oidc_audience="service , https://a.example/mcp").audiences == ["service", "https://a.example/mcp"]
    assert Settings(oidc_audience="our service").audiences == ["our service"]
    for wrong in ("a,,b", "a, ", ",a"):
        with pytest.raises(ConfigurationError, match="OIDC_AUDIENCE"):
            Settings(oidc_audience=wrong)


def test_endpoints_are_all_none_or_those_that_are_named() -> None:
    assert Settings().enabled_endpoints is None
    assert Settings(endpoints="none").enabled_endpoints == []
    assert Settings(endpoints="mcp , a2a").enabled_endpoints == ["mcp", "a2a"]
