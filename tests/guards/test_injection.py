"""How many attacks the injection rules find, and how many harmless texts they refuse, in texts that no project carries.

    PYTHONPATH='{{cookiecutter.project_slug}}/src' python -m pytest -s tests/guards/test_injection.py

The `held_out` halves were written in another style, and only their rates were looked at while the rules were made.
"""

import itertools
import json
import random
import string
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import quantiles
from time import process_time
from typing import Any, Final

import pytest
from harness.guards.injection_rules import InjectionRules

FOUND: Final = {"tuning": 0.95, "held_out": 0.8}
"""Least part of each half's attacks: a little under what was reached on 2026-11-30."""

FOUND_OF_STRANGERS: Final = {"prompt_injections": 0.43, "s_labs": 0.2}
"""The same for other people's attacks, held out."""

REFUSED: Final = {"tuning": 0.01, "held_out": 0.01}
"""Largest part of each half's harmless look-alikes."""

REFUSED_OF_STRANGERS: Final = 0.005
"""The same for other people's."""

CUSTOMERS_REFUSED: Final = 0.0005
"""Largest part of the customers' utterances."""

P95_MS: Final = 2.5
"""CPU time of 95 of 100 texts of 4,000 characters, milliseconds."""


class Texts:
    """The texts of this folder."""

    FOLDER: Final = Path(__file__).parent

    @classmethod
    def read(cls, name: str) -> Mapping[str, Any]:
        """One file."""
        return tomllib.loads((cls.FOLDER / f"{name}.toml").read_text(encoding="utf-8"))

    @classmethod
    def attacks(cls, half: str) -> Iterator[tuple[str, str, str]]:
        """Kind, language, and text of each attack."""
        for kind, by_language in cls.read("injection_attacks")[half].items():
            for language, texts in by_language.items():
                yield from ((kind, language, text) for text in texts)

    @classmethod
    def harmless(cls, half: str) -> list[str]:
        """The look-alikes."""
        return [text for texts in cls.read("injection_harmless")[half].values() for text in texts]

    @classmethod
    def customers(cls) -> list[str]:
        """Each template with all its values."""
        data = cls.read("customer_utterances")
        filled = (cls._filled(it, data["values"][lang]) for lang, its in data["templates"].items() for it in its)
        return list(dict.fromkeys(itertools.chain.from_iterable(filled)))

    @classmethod
    def strangers(cls, corpus: str, half: str, *, attack: bool) -> list[str]:
        """Other people's texts."""
        lines = (cls.FOLDER / "injection_strangers.jsonl").read_text(encoding="utf-8").splitlines()
        wanted = {"corpus": corpus, "half": half, "attack": attack}
        return [it["text"] for it in map(json.loads, lines) if wanted.items() <= it.items()]

    @staticmethod
    def _filled(template: str, values: Mapping[str, Sequence[str]]) -> Iterator[str]:
        names = [name for _, name, _, _ in string.Formatter().parse(template) if name]
        for chosen in itertools.product(*(values[name] for name in names)):
            yield template.format(**dict(zip(names, chosen, strict=True)))


@pytest.fixture(scope="module")
def rules() -> InjectionRules:
    return InjectionRules()


def share(rules: InjectionRules, name: str, texts: Sequence[str]) -> float:
    """The part of `texts` that is refused, printed."""
    refused = sum(rules.match(text) is not None for text in texts)
    print(f"{name:44}{refused:>7} of {len(texts):<6}{refused / len(texts):8.2%}")
    return refused / len(texts)


@pytest.mark.parametrize("half", FOUND)
def test_attacks_of_many_kinds_and_languages_are_found(rules: InjectionRules, half: str) -> None:
    attacks = list(Texts.attacks(half))
    print(f"\nattacks found, {half}")
    for at, groups in enumerate(("kind", "language")):
        for name in dict.fromkeys(attack[at] for attack in attacks):
            share(rules, f"  {groups} {name}", [it[2] for it in attacks if it[at] == name])
    assert share(rules, "  all", [text for _, _, text in attacks]) >= FOUND[half]


@pytest.mark.parametrize("corpus", FOUND_OF_STRANGERS)
def test_attacks_of_strangers_are_found(rules: InjectionRules, corpus: str) -> None:
    print()
    if tuning := Texts.strangers(corpus, "tuning", attack=True):
        share(rules, f"attacks found, {corpus}, tuning", tuning)
    held_out = Texts.strangers(corpus, "held_out", attack=True)
    assert share(rules, f"attacks found, {corpus}, held_out", held_out) >= FOUND_OF_STRANGERS[corpus]


def test_look_alikes_of_strangers_pass(rules: InjectionRules) -> None:
    print()
    texts = Texts.strangers("s_labs", "held_out", attack=False)
    assert share(rules, "look-alikes refused, s_labs", texts) <= REFUSED_OF_STRANGERS


@pytest.mark.parametrize("half", REFUSED)
def test_look_alikes_pass(rules: InjectionRules, half: str) -> None:
    print()
    assert share(rules, f"look-alikes refused, {half}", Texts.harmless(half)) <= REFUSED[half]


def test_customers_are_understood(rules: InjectionRules) -> None:
    texts = Texts.customers()
    print()
    assert len(texts) > 5000
    assert share(rules, "customers' utterances refused", texts) <= CUSTOMERS_REFUSED


def test_the_rules_take_little_time() -> None:
    texts = [text for half in REFUSED for text in (*Texts.harmless(half), *(it[2] for it in Texts.attacks(half)))]
    chosen, rules = random.Random(4), InjectionRules()
    taken = []
    for _ in range(100):
        text = "\n".join(chosen.choices(texts, k=200))[:4000]
        tries = []
        for _ in range(3):
            started = process_time()
            rules._verdict(text)
            tries.append(process_time() - started)
        taken.append(min(tries) * 1000)
    p95 = quantiles(taken, n=20)[18]
    print(f"\nCPU time at 4,000 characters, 95 %: {p95:.2f} ms")
    assert p95 < P95_MS
