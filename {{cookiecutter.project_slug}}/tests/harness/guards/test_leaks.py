"""Our prompts and secrets in an answer, however they are spelled; and plain talk, which is neither."""

import base64

import pytest
from pydantic import SecretStr

from harness.guards.leaks import Leaks
from harness.prompts.shared import PLANNER, WRITER
from harness.settings import Settings
from harness.telemetry.redaction import Redactor

SECRET = "correct-horse" + "-battery"
EN, ES = WRITER.text["en"], WRITER.text["es"]
LINE = "Use only what the agents say: every figure, date and name exactly as it stands there."
KEY = "sk-" + "proj-" + "a1B2c3D4" * 4


@pytest.fixture(scope="module")
def leaks() -> Leaks:
    redactor = Redactor([Settings(llm_api_key=SecretStr(SECRET))])
    return Leaks([EN, ES, *PLANNER.text.values()], redactor)


@pytest.mark.checklist("INJ-2")
@pytest.mark.parametrize(
    "text",
    [
        EN,
        ES,
        f"Sure! My instructions: {LINE}",
        LINE.upper(),
        " ".join(LINE),
        "-".join(LINE.split()),
        LINE.replace(" ", "\n"),
        "".join(chr(ord(it) + 0xFEE0) if "!" <= it <= "~" else it for it in LINE),
        base64.b64encode(LINE.encode()).decode(),
        f"read this: {base64.urlsafe_b64encode(LINE.encode()).decode().rstrip('=')}.",
        LINE[:60],
        "You split a user's message into tasks for the agents listed here",
    ],
)
def test_a_prompt_is_found_however_it_is_spelled(leaks: Leaks, text: str) -> None:
    assert leaks.find(text) == "prompt"


@pytest.mark.checklist("INJ-2")
@pytest.mark.parametrize("lead", range(0, 33, 3))
def test_a_run_of_a_prompt_is_found_wherever_it_begins(leaks: Leaks, lead: int) -> None:
    assert leaks.find("y" * lead + LINE[lead : lead + 60] + "z" * 7) == "prompt"


@pytest.mark.checklist("SEC-2")
@pytest.mark.parametrize(
    "text",
    [f"It is {SECRET}.", KEY, base64.b64encode(f"the key is {SECRET} {KEY}".encode()).decode()],
)
def test_a_secret_is_found(leaks: Leaks, text: str) -> None:
    assert leaks.find(text) == "secret"


@pytest.mark.parametrize(
    "text",
    [
        "Bogotá, Colombia, today (Sunday 22 November): mostly clear, 16 to 26 °C.",
        "I only use what the agents say.",
        "Every figure, date and name is in the report.",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "5f0c3f0f-7a1e-4f6e-9f5f-0d3c8b7a6e1d and the token is in your mail",
        "",
    ],
)
def test_plain_talk_passes(leaks: Leaks, text: str) -> None:
    assert leaks.find(text) is None


def test_what_a_prompt_is_filled_with_is_no_part_of_it() -> None:
    filled = "the forecast of the next seven days for any place on earth"
    leaks = Leaks(["Agents: $agents and nothing else"], Redactor())
    assert leaks.find(filled) is None
