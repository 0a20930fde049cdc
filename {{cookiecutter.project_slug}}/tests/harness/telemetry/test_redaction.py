from pathlib import Path

import pytest
from pydantic import SecretStr

from harness.settings import Configuration, Settings
from harness.telemetry.redaction import MASK, Redactor

# Put together here, so that no scan takes them for real ones.
BODY = "a1B2c3D4" * 5
JWT = f"eyJ{BODY}.eyJ{BODY}.{BODY}"
NAME = "PRIVATE" + " KEY"
PEM = f"-----BEGIN RSA {NAME}-----\n{BODY}\n{BODY}\n-----END RSA {NAME}-----"
KEYS = {
    "openai": f"sk-proj-{BODY}",
    "anthropic": f"sk-ant-api03-{BODY}",
    "bedrock": f"ABSK{BODY}",
    "aws": "AKIA" + "Q7" * 8,
    "github": f"ghp_{BODY}",
    "github fine-grained": f"github_pat_{BODY}",
    "gitlab": f"glpat-{BODY}",
    "slack": f"xoxb-{BODY}",
    "google": f"AIza{BODY}",
    "hugging face": f"hf_{BODY}",
    "langsmith": f"lsv2_pt_{BODY}",
    "our own": f"ak_0123abcd_{BODY}",
    "stripe": f"sk_live_{BODY}",
    "jwt": JWT,
    "pem": PEM,
}
PAIRS = {
    "password=hunter2x": "hunter2x",
    "DB_PASSWORD: hunter2x": "hunter2x",
    'password="correct horse battery"': "horse",
    "{'api_key': 'hunter2x'}": "hunter2x",
    '{"client_secret": "hunter2x"}': "hunter2x",
    r"{\"access-key\": \"hunter2x\"}": "hunter2x",
    "?token=hunter2x&page=2": "hunter2x",
    "Authorization: Digest user, response=hunter2x": "hunter2x",
    "Cookie: session=hunter2x; other=1": "hunter2x",
    "sent Bearer hunter2xhunter2x": "hunter2x",
    "sent Basic aHVudGVyMng6aHVudGVyMng=": "aHVudGVy",
    "postgresql://ana:hunter2x@db/threads": "hunter2x",
    "https://ana:p@hunter2x@db/threads": "hunter2x",
}


class WithSecrets(Configuration):
    """What a user's agent might need."""

    tide_password: SecretStr = SecretStr("pl4in & simple")
    """A secret of no known shape."""

    pin: SecretStr = SecretStr("12")
    """Too short to be told from other text."""


@pytest.mark.parametrize("kind", KEYS)
def test_a_key_of_a_known_shape_is_masked_wherever_it_stands(kind: str) -> None:
    found = Redactor().text(f"before ({KEYS[kind]}) after")
    assert found == f"before ({MASK}) after"


@pytest.mark.parametrize("text", PAIRS)
def test_a_value_that_is_named_as_a_secret_is_masked(text: str) -> None:
    masked = Redactor().text(text)
    assert PAIRS[text] not in masked
    assert MASK in masked


@pytest.mark.parametrize("text", [*KEYS.values(), *PAIRS])
def test_an_event_is_searched_in_all_of_its_texts(text: str) -> None:
    redactor = Redactor()
    for event in ({"a": 1, "b": text}, {"b": ["x", text], "c": None}, {text: 1}):
        assert redactor.event(event) == redactor.value(event) != event


def test_an_event_with_nothing_to_hide_is_left_as_it_is() -> None:
    redactor = Redactor([Settings(llm_api_key=SecretStr("no-known-shape"))])
    event = {"event": "model_call", "ms": 1.5, "agents": ["a", "b"], "none": None}
    assert redactor.event(event) == event
    assert redactor.event({**event, "a": "no-known", "b": "-shape"})["b"] == "-shape"
    for secret in ({"a": "no-known-shape"}, {"api_key": 1}, {"a": {"b": "token=hunter2x"}}):
        assert MASK in str(redactor.event({**event, **secret}))


@pytest.mark.parametrize("name", ["pa\u017f\u017fword", "to\u212aen", "author\u0131zation"])
def test_letters_that_count_as_others_in_a_pattern_do_not_get_around_it(name: str) -> None:
    assert Redactor().text(f"{name}=hunter2x") == f"{name}={MASK}"
    assert Redactor().event({"a": f"{name}=hunter2x"}) == {"a": f"{name}={MASK}"}


def test_a_private_key_that_is_cut_off_is_masked_to_its_end() -> None:
    assert Redactor().text(f"key: {PEM[:60]}") == f"key: {MASK}"


def test_an_address_keeps_what_is_no_secret() -> None:
    masked = Redactor().text("at postgresql://ana:hunter2x@db:5432/threads?x=1")
    assert masked == f"at postgresql://{MASK}@db:5432/threads?x=1"


@pytest.mark.parametrize(
    "text",
    [
        "What's the weather in Bogotá and how is the dollar?",
        "¿Qué tiempo hace en Bogotá y a cómo está el dólar?",
        "The basic information on tokens: none was used.",
        "input_tokens=120 output_tokens=33 max_output_tokens=1024",
        "7f1d3a52c0a24c0f8b1e6f5d4c3b2a10 b6f0d5de-9c0b-4c2e-9a55-3f6a9d3b6f0c",
        "https://api.open-meteo.com/v1/forecast?latitude=4.6&longitude=-74.1",
        "task-force sky-high risk-free desk-bound-and-so-on-and-so-forth",
    ],
)
def test_plain_text_is_left_as_it_is(text: str) -> None:
    assert Redactor().text(text) == text


def test_every_secret_of_the_settings_is_masked_by_its_value() -> None:
    redactor = Redactor([Settings(llm_api_key=SecretStr("no-known-shape")), WithSecrets()])
    masked = redactor.text("x no-known-shape y pl4in & simple z pl4in%20%26%20simple")
    assert masked == f"x {MASK} y {MASK} z {MASK}"


def test_a_secret_too_short_to_be_one_is_left() -> None:
    assert Redactor([WithSecrets()]).text("12 of 1200") == "12 of 1200"


def test_a_secret_that_contains_another_is_masked_whole() -> None:
    secrets = (SecretStr("alpha"), SecretStr("alpha-beta"))
    redactor = Redactor([WithSecrets(tide_password=secret) for secret in secrets])
    assert redactor.text("alpha-beta alpha") == f"{MASK} {MASK}"


def test_a_secret_learned_later_is_masked_in_names_seen_before() -> None:
    redactor = Redactor()
    assert redactor.value({"pl4in": 1}) == {"pl4in": 1}
    redactor.register_secrets(WithSecrets(tide_password=SecretStr("pl4in")))
    assert redactor.value({"pl4in": 1}) == {MASK: 1}


def test_secrets_are_found_however_deep_they_lie() -> None:
    value = {
        "headers": {"Authorization": "x", "X-Api-Key": ["y"], "Accept": "json"},
        "input_tokens": 12,
        "rows": [(b"password=hunter2x", {1: {KEYS["github"]}})],
        "none": None,
        "error": ValueError("token=hunter2x"),
        "path": Path("/var/x"),
        "set": SecretStr("whatever"),
        "password": "",
    }
    assert Redactor().value(value) == {
        "headers": {"Authorization": MASK, "X-Api-Key": MASK, "Accept": "json"},
        "input_tokens": 12,
        "rows": [[f"password={MASK}", {"1": [MASK]}]],
        "none": None,
        "error": f"token={MASK}",
        "path": "/var/x",
        "set": "**********",
        "password": "",
    }


def test_a_structure_that_holds_itself_comes_to_an_end() -> None:
    loop: list[object] = []
    loop.append(loop)
    assert "..." in str(Redactor().value(loop))


@pytest.mark.parametrize(
    "piece", ["eyJ", "eyJaaaaaaaa.", 'password="', "password='", "://", "://a@", "basic a", "-----BEGIN "]
)
def test_hostile_text_costs_time_in_proportion_to_its_length(piece: str) -> None:
    # A pattern that backtracks does not end on this; no clock is needed to see it.
    masked = Redactor().text(piece * (300_000 // len(piece)))
    assert len(masked) <= 1_000_000
