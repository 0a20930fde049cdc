"""The words of each language are complete, and say the same things; an owner's file adds a language."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.locale.locale import Locale
from tests.support.processes import PROJECT

LANGUAGES = Locale.SHIPPED


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_year_and_a_week_are_whole(language: str) -> None:
    locale = Locale.load(language)
    assert [len(locale.months), len(locale.weekdays), len(locale.weekdays_short)] == [12, 7, 7]
    assert len(locale.days) >= 30
    assert all(names for names in (*locale.months, *locale.weekdays, *locale.days))


def test_the_names_of_one_thing_have_the_same_key_in_each_language() -> None:
    english, spanish = map(Locale.load, LANGUAGES)
    assert english.names.keys() == spanish.names.keys()
    assert "germany" in english.names["DE"]
    assert "alemania" in spanish.names["DE"]


def test_a_common_word_is_no_currency() -> None:
    for language in LANGUAGES:
        words = {word for it in Locale.load(language).currencies.values() for word in it}
        assert {"EUR", "euro", "€"} <= words
        assert words.isdisjoint({"won", "sol", "real", "may"})


def test_longer_words_come_first_in_a_pattern() -> None:
    assert Locale.pattern(["a", "ab"], ["$", "a"]) == r"ab|\$|a"


def test_spellings_are_numbered_over_languages() -> None:
    numbered = Locale.numbered([["May"], ["June"]], [["mayo", "Mayo"]], start=5)
    assert numbered == {"May": 5, "June": 6, "mayo": 5, "Mayo": 5}


def test_an_inverted_table_keeps_every_key_of_a_word() -> None:
    inverted = Locale.inverted({"USD": ["dollar"]}, {"CAD": ["dollar", "CA$"]})
    assert inverted == {"dollar": {"USD", "CAD"}, "CA$": {"CAD"}}


# A language of the owner's: a file in `src/app/locale`, and nothing else.

PORTUGUESE = """
name = "português"
months = ["janeiro", "fevereiro", "março", "abril", "maio", "junho",
          "julho", "agosto", "setembro", "outubro", "novembro", "dezembro"]
weekdays = ["segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado", "domingo"]
weekdays_short = ["Seg", "Ter", "Qua", "Qui", "Sex", "Sáb", "Dom"]
common_words = "a o os as e é em um uma de do da que qual quem quantas tem para com você pode fazer hoje como está não"
link = "de"
before_month = "em"
[messages]
clarify = "O que você quer saber? Posso ajudar com isto:\\n$agents"
[prompts]
answer-language = "Responda na língua da pergunta; se não der para ver qual é, em $language."
"""

USES = """
import asyncio, json
from harness import LANGUAGES, Application, LanguageDetector, Locale, Reply, Settings
from harness.guards.grounding import Grounding
from harness.http.state import AppState
from harness.prompts.messages import Messages
from harness.prompts.shared import ANSWER_LANGUAGE, WRITER
from harness.storage.thread_ref import PUBLIC, ThreadRef
from harness.telemetry.logging import Logs
from tests.support.agents import TEST_AGENTS

async def ask(*questions):
    settings = Settings(database_url="memory://", log_format="json")
    async with AppState.start(Application(TEST_AGENTS), settings, Logs(settings).install()) as state:
        replies = [await state.service.ask(it, ThreadRef(str(at), PUBLIC)) for at, it in enumerate(questions)]
        return [[it.language, it.answer] for it in replies], Messages.UNAVAILABLE.format("pt"), WRITER.render("pt")

replies, unavailable, writer = asyncio.run(ask("Quem é você e o que você pode fazer?", "Quantas luas tem Marte?"))
print(json.dumps({
    "languages": LANGUAGES,
    "schema": Reply.model_json_schema()["properties"]["language"]["enum"],
    "detected": [LanguageDetector("en").detect(it) for it in ("O que você pode fazer?", "¿Qué hay?", "What is it?")],
    "month": Locale.load("pt").months[2],
    "dates": [Grounding(["2026-03-22"]).unsupported(f"Foi em {day} de março.") for day in (22, 23)],
    "prompt": ANSWER_LANGUAGE.render("pt"),
    "replies": replies, "unavailable": unavailable, "writer": writer,
}))
"""


@pytest.fixture
def own_app(tmp_path: Path) -> Path:
    """The owner's package, in a place of its own, with a folder for languages."""
    shutil.copytree(PROJECT / "src" / "app", tmp_path / "app", ignore=shutil.ignore_patterns("__pycache__", "locale"))
    (tmp_path / "app" / "locale").mkdir()
    return tmp_path


def run(folder: Path, code: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """What `code` prints, with the owner's package in `folder` and the harness as it is sealed."""
    path = os.pathsep.join(map(str, (folder, PROJECT / "src", PROJECT)))
    variables = os.environ | {"PYTHONPATH": path, "PYTHONUTF8": "1"} | settings
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=variables, capture_output=True, encoding="utf-8", check=False
    )


def test_a_file_of_the_owners_is_a_language_more(own_app: Path) -> None:
    (own_app / "app" / "locale" / "pt.toml").write_text(PORTUGUESE, encoding="utf-8")
    done = run(own_app, USES, LANGUAGE="es")
    assert done.returncode == 0, done.stderr
    *logged, last = done.stdout.splitlines()
    seen: dict[str, Any] = json.loads(last)
    assert seen["languages"] == seen["schema"] == ["en", "es", "pt"]
    assert seen["detected"] == ["pt", "es", "en"]
    assert seen["month"] == ["março"]
    assert seen["dates"] == [[], ["23 de março"]]
    assert seen["prompt"] == "Responda na língua da pergunta; se não der para ver qual é, em português."
    (first, answer), (second, _) = seen["replies"]
    assert (first, second) == ("pt", "pt")
    assert answer.startswith("O que você quer saber? Posso ajudar com isto:\n- Lunas de un planeta.")
    assert seen["unavailable"].startswith("Ahora no puedo responder")  # the configured language's
    assert "en português" in seen["writer"]
    (line,) = [
        it for it in map(json.loads, [*logged, *done.stderr.splitlines()]) if it["event"] == "language_incomplete"
    ]
    assert (line["language"], line["instead"]) == ("pt", "es")
    assert {"messages.unavailable", "kinds.card", "prompts.writer"} <= set(line["missing"])
    assert "messages.clarify" not in line["missing"]


def test_a_language_of_the_owners_may_be_the_configured_one(own_app: Path) -> None:
    (own_app / "app" / "locale" / "pt.toml").write_text(PORTUGUESE, encoding="utf-8")
    code = "from harness import LanguageDetector, Settings; print(LanguageDetector(Settings().language).detect('?'))"
    assert run(own_app, code, LANGUAGE="pt").stdout == "pt\n"
    assert "LANGUAGE: Input should be 'en', 'es' or 'pt'" in run(own_app, code, LANGUAGE="fr").stderr


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("portuguese", PORTUGUESE, "src/app/locale/portuguese.toml: name it like a language, pt or pt-BR"),
        ("pt", "months =", "src/app/locale/pt.toml: Invalid value"),
        ("pt", PORTUGUESE.replace('"janeiro", ', ""), "src/app/locale/pt.toml: months: 12 texts are wanted"),
        ("pt", PORTUGUESE.replace("common_words", "words"), "src/app/locale/pt.toml: common_words: the words"),
        ("pt", PORTUGUESE.replace("name =", "title ="), "src/app/locale/pt.toml: name: what the language"),
        ("pt", PORTUGUESE + '[many_days]\n56 = "(fim"', "src/app/locale/pt.toml: many_days: 56: no regular expression"),
        ("pt", PORTUGUESE.replace("clarify", "hello"), "messages: hello is no name of the harness's; there are"),
        ("pt", PORTUGUESE.replace("$agents", "$agent"), "messages: clarify: $agent is not filled in; there are"),
        ("pt", PORTUGUESE.replace("$language", "5 $"), "prompts: answer-language: a $ that names no value"),
    ],
)
def test_a_file_that_cannot_be_used_stops_the_start_and_is_named(
    own_app: Path, name: str, text: str, problem: str
) -> None:
    (own_app / "app" / "locale" / f"{name}.toml").write_text(text, encoding="utf-8")
    done = run(own_app, "from harness.prompts.overrides import Overrides; Overrides({}, [])")
    assert done.returncode == 1
    assert problem in done.stderr
