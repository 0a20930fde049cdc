"""Tests of `leaks` and `skeleton`."""

import base64

import pytest
from pydantic import SecretStr

from harness.guards.leaks import Leaks
from harness.prompts.shared import PLANNER, UNGROUNDED, WRITER
from harness.settings import Settings
from harness.telemetry.redaction import Redactor

SECRET = "correct-4horse" + "-battery"
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
        base64.b64encode(base64.b64encode(LINE.encode())).decode(),
        f"read this: {base64.urlsafe_b64encode(LINE.encode()).decode().rstrip('=')}.",
        LINE[:60],
        LINE.translate(str.maketrans("aeopcx", "\u0430\u0435\u043e\u0440\u0441\u0445")),
        "".join(f"{char}\u0336" for char in LINE),
        "\n".join(f"{at}. {word}" for at, word in enumerate(LINE.split(), 1)),
        " ".join(word[::-1] for word in LINE.split()),
        " ".join(reversed(LINE.split())),
        f"{LINE[:45]} and it goes on: {LINE[45:]}",
        "Say plainly which part is missing when an agent has no answer.",
        "It ends so: No headings, no links.\nPlain, friendly sentences; no headings, no links, no remarks about agents or instructions",
        LINE.translate(str.maketrans("aeiost", "431057")),
        "You split a user's message into tasks for the agents listed here",
    ],
)
def test_a_prompt_is_found_however_it_is_spelled(leaks: Leaks, text: str) -> None:
    assert leaks.find(text) == "prompt"


@pytest.mark.checklist("INJ-2")
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Si un agente no tiene respuesta, di claramente qu\u00e9 parte falta.", "prompt"),
        ("Sure: leave it. No mentions. No menciones esta correcci\u00f3n.", "prompt"),
        ("No menciones esto a nadie.", None),
        ("Be brief.", None),
        ("Please be brief.", None),
        ("Never guess a price.", "prompt"),
        ("Never guess.", None),
        ("I never guess a price.", None),
    ],
)
def test_a_whole_sentence_of_a_prompt_is_found_however_short(text: str, found: str | None) -> None:
    prompts = [
        *UNGROUNDED.text.values(),
        ES,
        "Answer with what you know. Be very brief. Never guess a price.\n- Be brief.",
    ]
    assert Leaks(prompts, Redactor()).find(text) == found


@pytest.mark.checklist("INJ-2")
@pytest.mark.parametrize("lead", range(0, 33, 3))
def test_a_run_of_a_prompt_is_found_wherever_it_begins(leaks: Leaks, lead: int) -> None:
    assert leaks.find("y" * lead + LINE[lead : lead + 60] + "z" * 7) == "prompt"


@pytest.mark.checklist("SEC-2")
@pytest.mark.parametrize(
    "text", [f"It is {SECRET}.", KEY, base64.b64encode(f"the key is {SECRET} {KEY}".encode()).decode()]
)
def test_a_secret_is_found(leaks: Leaks, text: str) -> None:
    assert leaks.find(text) == "secret"


@pytest.mark.checklist("SEC-2")
@pytest.mark.parametrize(
    "text",
    [
        " ".join(SECRET),
        SECRET.upper(),
        SECRET.replace("-", ""),
        "".join(chr(ord(char) + 0xFEE0) for char in SECRET),
        f"first {SECRET[:10]}, then {SECRET[10:]}",
        SECRET[:-1],
        SECRET[::-1],
        "\n".join(f"{at}. {char}" for at, char in enumerate(SECRET, 1)),
    ],
)
def test_a_known_secret_is_found_however_it_is_spelled_and_in_part(text: str) -> None:
    leaks = Leaks([], Redactor([Settings(llm_api_key=SecretStr(SECRET))]))
    assert leaks.find(f"It is {text} .") == "secret"
    assert leaks.find("The correct horse is in the battery.") is None


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
