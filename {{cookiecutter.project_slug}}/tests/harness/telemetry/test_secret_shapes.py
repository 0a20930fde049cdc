"""Secrets are told from words by their shape alone."""

import pytest

from harness.telemetry.redaction import MASK, Redactor
from harness.telemetry.secret_shapes import SecretShapes

# Put together here, so that no scan takes them for real ones.
BODY = "a1B2c3D4" * 8
HEX = "0f1e2d3c" * 8
SHAPES = SecretShapes()


@pytest.mark.checklist("SEC-2")
@pytest.mark.parametrize(
    "prefix",
    [
        "AQ.", "bedrock-api-key-", "glagent-", "pplx-", "r8_", "tvly-", "fw_", "csk-", "dapi", "SG.", "ntn_", "lin_api_",
        "figd_", "dop_v1_", "hvs.", "dckr_pat_", "shpat_", "sbp_", "glsa_", "NRAK-", "sntrys_", "pcsk_", "AGE-SECRET-KEY-1",
        "ghp_", "sk-proj-", "xoxb-", "AIza",
    ],
)  # fmt: skip
def test_a_key_is_known_by_how_it_begins_and_goes_on(prefix: str) -> None:
    masked = SHAPES.masked(f"before ({prefix}{BODY}) after", lambda _: MASK)
    assert masked == f"before ({MASK}) after"


@pytest.mark.parametrize(
    "text",
    [
        f"AC{HEX[:32]}",
        f"1234567890:AA{BODY[:33]}",
        f"{HEX[:32]}-us21",
        "-----BEGIN PGP PRIVATE KEY" + f" BLOCK-----\n\n{BODY}\n-----END PGP PRIVATE KEY" + " BLOCK-----",
        f"https://x.example/c?sv=1&sig={BODY[:40]}%3D",
        f"curl -u ana:{BODY[:12]} https://x.example",
        f"https://hooks.slack.com/services/{BODY[:40]}",
        f"redis://:{BODY[:12]}@cache:6379",
        f"$2b$12${BODY[:53]}",
        f"db:5432:shop:ana:{BODY[:12]}",
        f"x\\nghp_{BODY}",
        f"a%20ghp_{BODY}",
    ],
)
def test_other_forms_are_known_too(text: str) -> None:
    assert SHAPES.is_in(text)
    assert Redactor().event({"a": "x", "b": text})["b"] != text


@pytest.mark.parametrize(
    "text",
    [
        "Use sk-learn-pipeline-2026-edition.",
        "SG-2026-annual-report-of-the-association",
        "key-value-store-2026-comparison",
        "http://user@host/ and ssh://git@github.com/a/b.git",
        "postgresql://user:password@host/shop",
        "5f0c3f0f-7a1e-4f6e-9f5f-0d3c8b7a6e1d",
        "https://docs.google.com/document/d/1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms/edit",
    ],
)
def test_words_versions_and_addresses_are_none(text: str) -> None:
    assert not SHAPES.is_in(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("The token is ERC20-compatible-coin", ""),
        ("la clave es trabajo-en-equipo-2026", ""),
        ("The password is required2026 for all", ""),
        (f"Your API key for the maps service is {BODY[:32]}, keep it", BODY[:32]),
        (f"A senha do banco \xe9 {BODY[:12]}.", BODY[:12]),
        (f"**Token:** `{BODY[:20]}`", BODY[:20]),
        (f"<password>{BODY[:12]}</password>", BODY[:12]),
        (f"deploy --password {BODY[:12]} --yes", BODY[:12]),
        (f"machine x login ana password {BODY[:12]}", BODY[:12]),
    ],
)
def test_a_value_that_is_called_a_secret_is_one_unless_it_is_words(text: str, value: str) -> None:
    redactor = Redactor()
    assert redactor.holds_a_secret(text) is bool(value)
    assert not value or value not in redactor.text(text)


def test_a_run_that_held_none_is_looked_at_once_and_a_secret_each_time() -> None:
    shapes = SecretShapes()
    for _ in range(2):
        assert not shapes.is_in("harness/telemetry2/Redaction-of-all.py")
        assert shapes.is_in(f"ghp_{BODY}")
    for number in range(SecretShapes.MAX_CLEAN + 1):
        assert not shapes.is_in(f"a/path/that/is/New-{number}.py")


@pytest.mark.parametrize(
    "piece", ["sk-", "ghp_a1", "token=", "password is ", "key: a1b2c3d4e5 ", "://a:", "a:5432:", "$2b$", "A1b2"]
)
def test_hostile_text_costs_time_in_proportion_to_its_length(piece: str) -> None:
    # A pattern that backtracks does not end on this; no clock is needed to see it.
    assert Redactor().text(piece * (200_000 // len(piece))) is not None
