"""What the readers of texts take, in CPU time, for texts that are made to take long."""

import time
from collections.abc import Callable, Mapping

import pytest
from harness.guards.injection_rules import InjectionRules
from harness.guards.leaks import Leaks
from harness.guards.output import OutputGuard, OutputPolicy
from harness.guards.personal_data import PiiDetector
from harness.prompts.shared import PLANNER, WRITER
from harness.settings import Settings
from harness.telemetry.redaction import Redactor
from pydantic import SecretStr

REDACTOR = Redactor([Settings(llm_api_key=SecretStr("correct-4horse-battery-staple"))])
READERS: Mapping[str, Callable[[str], object]] = {
    "personal data": PiiDetector().find,
    "log": REDACTOR.text,
    "leaks": Leaks([*PLANNER.text.values(), *WRITER.text.values()], REDACTOR).find,
    "injection": InjectionRules().match,
}
PIECES = (
    "ES00 ", "ES00", "ES9121000418450200051332 ", "1 ", "1", "4111 ", "4111 1111 1111 1111 ", "4111\n", "a@", "a.",
    "a@b.", "a @ ", "ana at ", "arroba x punto ", "+1 ", "1.1.", ":1", "::", "X1234567", "12345678 ", "(1) ", "6-",
    "612345678 ", "DNI 1234567 ", "dni ", "tel 1", "tel: ", "1-", "12.345.678-", "AAAA000000", "V-", "%40",
    "password ", "password is ", "token=", "key: a1b2c3d4e5 ", "key is a is a ", "eyJ", "sk-", "sk-a1", "ghp_",
    " -u ", "-----BEGIN ", "://", "://a@", "://a:", "$2b$", "a:5432:", "hooks.slack.com/services/", "A1b2", "Aa",
    "=41", "%41", "&#65;", "\\u0041", "01000001 ", "65 ", "QUFB", "\n1. ", "a\u0301", "\u0430", "i g n o r e ",
    "i-g-n-o-r-e ", "ignore all ", "<system>", "aWdub3Jl ", '"role"', "\ufdfa", "<", "[a](", "![a](http://",
    "Use only what the agents say: ", "e1a", "0x41", "bearer ", "cookie: ",
)  # fmt: skip
CHARS = 80_000
MOST_MS = 700
"""For 80,000 characters; 2 to 3 times what was measured on a busy machine. What grows faster than a text takes more."""


@pytest.mark.parametrize("reader", READERS)
def test_no_text_takes_a_reader_long(reader: str) -> None:
    READERS[reader]("warm up: a1b2")
    times = []
    for piece in PIECES:
        text = piece * (CHARS // len(piece))
        start = time.process_time()
        READERS[reader](text)
        times.append((1000 * (time.process_time() - start), piece))
    slowest = sorted(times, reverse=True)[:5]
    print(f"\n{reader}, {CHARS} characters, slowest in ms: {[(round(ms), piece) for ms, piece in slowest]}")
    assert slowest[0][0] <= MOST_MS


FACTS = {"place": "Bogotá", "country": "Colombia", "date": "2026-11-30", "min_celsius": 9, "max_celsius": 19}
ANSWER = (
    "In Bogotá, Colombia, today will be partly cloudy, with temperatures between 9 and 19 °C. It is a good day for a"
    " walk in the city, though the evening will be rather cool, so it is a good idea to take a light jacket along if"
    " you plan to be out after dark in the old town. Enjoy your days here!"
)
GUARD_MS = 1.0
"""For an answer of 291 characters and a guard of its own; 0.5 is wanted, and was measured on a machine at rest."""


def test_the_output_guard_takes_little_time() -> None:
    policy = OutputPolicy(Leaks([*PLANNER.text.values(), *WRITER.text.values()], REDACTOR))
    tries = []
    for _ in range(30):
        start = time.process_time()
        for _ in range(20):
            assert OutputGuard(policy, "What is the weather in Bogotá?", [FACTS]).violation(ANSWER) is None
        tries.append(1000 * (time.process_time() - start) / 20)
    best, median = min(tries), sorted(tries)[15]
    print(f"\noutput guard, {len(ANSWER)} characters: {best:.2f} ms of CPU at best, {median:.2f} half the time")
    assert min(tries) <= GUARD_MS
