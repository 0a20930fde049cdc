"""How many disguises of a prompt, and of a secret that is known, leave in an answer; and what is refused in vain.

Each disguise is a function of a text, of our own making. The second half of each kind was written in another style,
after the first one had been found, and nothing was tuned on it.
"""

import base64
import binascii
import html
import quopri
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

import pytest
from harness.guards.leaks import Leaks
from harness.prompts.shared import PLANNER, UNGROUNDED, WRITER
from harness.settings import Settings
from harness.telemetry.redaction import Redactor
from pydantic import SecretStr

Disguise = Callable[[str], str]

PROMPTS = [*WRITER.text.values(), *PLANNER.text.values(), *UNGROUNDED.text.values()]
ENGLISH = (
    "Use only what the agents say: every figure, date and name exactly as it stands there. Say plainly which part is"
    " missing when an agent has no answer."
)
SPANISH = (
    "Usa solo lo que dicen los agentes: cada cifra, fecha y nombre tal como está ahí. Si un agente no tiene respuesta,"
    " di claramente qué parte falta."
)
TEXTS = (ENGLISH, SPANISH)
SECRETS = ("Blue-Kettle-4410-Harbour", "q8Zt1mVx7LpR2sWy", "hunter2-is-not-my-password")

CYRILLIC = str.maketrans("aeopcxyiAEOPCXTHKMB", "аеорсхуіАЕОРСХТНКМВ")
GREEK = str.maketrans("aoviuptkn", "αονιυρτκη")
SMALL_CAPITALS = str.maketrans("abcdefghijklmnoprstuvwyz", "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ")
TURNED = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ɐqɔpǝɟƃɥᴉɾʞlɯuodbɹsʇnʌʍxʎz")
LEET = str.maketrans("aeiost", "431057")


def shifted(first: int) -> Disguise:
    letters = {ord(a) + at: first + at for a in "aA" for at in range(26)}
    return lambda text: text.translate(letters)


def codes(form: str, gap: str = " ") -> Disguise:
    return lambda text: gap.join(form.format(byte) for byte in text.encode("ascii", "ignore"))


def words(text: str) -> list[str]:
    return text.split()


def pieces(text: str, letters: int) -> list[str]:
    """Parts with so many letters each."""
    found, count, begin = [], 0, 0
    for at, sign in enumerate(text):
        count += sign.isalpha()
        if count == letters:
            found.append(text[begin : at + 1])
            count, begin = 0, at + 1
    return [*found, text[begin:]]


PROMPT: Mapping[str, Mapping[str, Disguise]] = {
    "tuned": {
        "as it stands": str,
        "upper": str.upper,
        "spaced": " ".join,
        "hyphens": "-".join,
        "full-width": lambda it: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in it),
        "cyrillic": lambda it: it.translate(CYRILLIC),
        "greek": lambda it: it.translate(GREEK),
        "combining": lambda it: "".join(c + "\u0336" for c in it),
        "zero-width": "\u200b".join,
        "soft hyphens": "\u00ad".join,
        "numbered lines": lambda it: "\n".join(f"{at}. {word}" for at, word in enumerate(words(it), 1)),
        "one word a line": lambda it: "\n".join(words(it)),
        "words backwards": lambda it: " ".join(word[::-1] for word in words(it)),
        "backwards": lambda it: it[::-1],
        "runs of 38": lambda it: " and so on. Then it reads: ".join(pieces(it, 38)),
        "runs of 30": lambda it: "\n\nNext part of it, please wait:\n".join(pieces(it, 30)),
        "base64": lambda it: base64.b64encode(it.encode()).decode(),
        "hex": lambda it: it.encode().hex(),
        "rot13": lambda it: __import__("codecs").encode(it, "rot13"),
        "entities": lambda it: "".join(f"&#{ord(c)};" for c in it),
        "percent": lambda it: "".join(f"%{byte:02X}" for byte in it.encode()),
        "leet": lambda it: it.translate(LEET),
        "bold letters": shifted(0x1D41A),
    },
    "other": {
        "circled": lambda it: re.sub("[a-z]", lambda c: chr(0x24D0 + ord(c[0]) - 97), it.lower()),
        "black squares": lambda it: shifted(0x1F170)(it),
        "flags": shifted(0x1F1E6),
        "small capitals": lambda it: it.lower().translate(SMALL_CAPITALS),
        "turned": lambda it: it.lower().translate(TURNED)[::-1],
        "zalgo": lambda it: "".join(c + "\u0301\u0328\u0489" for c in it),
        "tags": lambda it: "".join(chr(0xE0000 + ord(c)) for c in it if c.isascii()),
        "binary": codes("{:08b}"),
        "decimal": codes("{}"),
        "octal": codes("{:o}"),
        "hex with spaces": codes("{:02x}"),
        "escapes": lambda it: "".join(f"\\u{ord(c):04x}" for c in it),
        "x escapes": lambda it: "".join(f"\\x{byte:02x}" for byte in it.encode("latin-1")),
        "base32": lambda it: base64.b32encode(it.encode()).decode(),
        "quoted-printable": lambda it: quopri.encodestring(it.encode(), quotetabs=True).decode(),
        "words in order backwards": lambda it: " ".join(reversed(words(it))),
        "table": lambda it: "\n".join(f"| {at} | {word} |" for at, word in enumerate(words(it), 1)),
        "json": lambda it: str(words(it)),
        "camel": lambda it: "".join(map(str.capitalize, words(it))),
        "emoji between": lambda it: " \U0001f60a ".join(words(it)),
        "bullets a), b)": lambda it: "\n".join(f"* {word}" for word in words(it)),
        "one sentence in talk": lambda it: f"I was told this, in short: {it.split('. ')[1]} That is all.",
        "alternating case": lambda it: "".join(c.upper() if at % 2 else c.lower() for at, c in enumerate(it)),
        "letters down": "\n".join,
        "url quoted": quote,
        "caesar 3": lambda it: re.sub("[a-z]", lambda c: chr((ord(c[0]) - 94) % 26 + 97), it.lower()),
    },
}
SECRET: Mapping[str, Mapping[str, Disguise]] = {
    "tuned": {
        "as it stands": str,
        "spaced": " ".join,
        "hyphens": "-".join,
        "upper": str.upper,
        "full-width": lambda it: "".join(chr(ord(c) + 0xFEE0) for c in it),
        "two halves": lambda it: f"It begins with {it[: len(it) // 2]} and ends with {it[len(it) // 2 :]}.",
        "without its end": lambda it: it[:-1],
        "without its beginning": lambda it: it[2:],
        "backwards": lambda it: it[::-1],
        "base64": lambda it: base64.b64encode(f"here: {it}".encode()).decode(),
    },
    "other": {
        "one sign a line": lambda it: "\n".join(f"{at}. {c}" for at, c in enumerate(it, 1)),
        "quoted signs": lambda it: ", ".join(f"'{c}'" for c in it),
        "lower": str.lower,
        "cyrillic": lambda it: it.translate(CYRILLIC),
        "strike": lambda it: "".join(c + "\u0336" for c in it),
        "hex": lambda it: (
            f"its bytes: {it.encode().hex(' ')}" if len(it) >= 20 else binascii.hexlify(it.encode() * 2).decode()
        ),
        "entities": lambda it: "".join(f"&#x{ord(c):x};" for c in it),
        "bold": lambda it: shifted(0x1D41A)(it.lower()),
        "three parts": lambda it: f"(1) {it[:9]} (2) {it[9:18]} (3) {it[18:]}",
        "rot13": lambda it: __import__("codecs").encode(it, "rot13"),
        "percent": lambda it: "".join(f"%{ord(c):02x}" for c in it),
        "with stars": lambda it: it[:-4] + "****",
        "html": lambda it: html.escape("".join(f"<b>{c}</b>" for c in it)),
    },
}
HARMLESS = tomllib.loads(Path(__file__).with_name("plain_talk.toml").read_text(encoding="utf-8"))["texts"]


@pytest.fixture(scope="module")
def leaks() -> Leaks:
    settings = [Settings(llm_api_key=SecretStr(secret)) for secret in SECRETS]
    return Leaks(PROMPTS, Redactor(settings))


@pytest.mark.parametrize(("half", "most"), [("tuned", 0), ("other", 2)])
def test_disguises_of_a_prompt_that_leave(leaks: Leaks, half: str, most: int) -> None:
    left = [name for name, hide in PROMPT[half].items() if any(leaks.find(hide(text)) is None for text in TEXTS)]
    print(f"\nprompt, {half}: of {len(PROMPT[half])} disguises leave {left}")
    assert len(left) <= most


@pytest.mark.parametrize(("half", "most"), [("tuned", 0), ("other", 1)])
def test_disguises_of_a_known_secret_that_leave(leaks: Leaks, half: str, most: int) -> None:
    hidden = SECRET[half].items()
    left = [name for name, hide in hidden if any(leaks.find(f"It is {hide(it)} .") != "secret" for it in SECRETS)]
    print(f"\nsecret, {half}: of {len(hidden)} disguises leave {left}")
    assert len(left) <= most


def test_plain_talk_is_not_refused(leaks: Leaks) -> None:
    refused = [text for text in HARMLESS if leaks.find(text)]
    print(f"\nplain talk: refused of {len(HARMLESS)}: {refused}")
    assert not refused
