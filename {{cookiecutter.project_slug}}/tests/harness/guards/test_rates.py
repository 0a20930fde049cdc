"""The measured rates hold. What they mean is in corpora/README.md; the table: `nox -s guards`."""

import pytest

from app.agents import AGENTS
from tests.harness.guards.rates import Corpus, Hidden, Rates

pytestmark = pytest.mark.checklist("INJ-1")

FOUND = 0.6
"""Least part of the attacks. Detection is a first net; what it misses must be harmless as well."""

HIDDEN = 0.95
"""Least part of the attacks in plain words that are found when they are hidden."""

REFUSED = 0.01
"""Largest part of the harmless texts; most of ours are made to look like attacks."""

PATIENCE = 10
"""How many times longer than wanted it may take, measured by coverage beside other tests; `nox -s guards` tells."""


@pytest.fixture(scope="module")
def rates() -> Rates:
    return Rates()


@pytest.fixture(scope="module")
def hidden(rates: Rates) -> dict[str, float]:
    """Each way to hide an attack, and the part that is found."""
    return {name: found / of for name, found, of in rates.hidden()}


@pytest.mark.parametrize("is_held_out", [False, True], ids=["tuning", "held out"])
def test_attacks_are_found_also_those_that_nobody_tuned_for(rates: Rates, is_held_out: bool) -> None:
    texts = [it for corpus in Corpus.all("attacks") for it in corpus.half(is_held_out=is_held_out)]
    assert len(texts) > 200
    assert rates.found(texts) >= FOUND * len(texts)


def test_strangers_attacks_are_found_though_the_easiest_kind_is_left_out(rates: Rates) -> None:
    easy = ("own_english", "own_spanish", "promptinject")
    corpora = [it for it in Corpus.all("attacks") if it.name not in easy]
    texts = [text for corpus in corpora for text in corpus.half(is_held_out=True)]
    assert rates.found(texts) >= FOUND * len(texts)


def test_harmless_look_alikes_pass(rates: Rates) -> None:
    texts = [text for corpus in Corpus.all("harmless") for text in corpus.texts]
    refused = [text for text in texts if rates.rules.match(text)]
    assert len(texts) > 400
    assert len(refused) <= REFUSED * len(texts), refused


def test_no_example_of_an_agent_is_refused(rates: Rates) -> None:
    examples = [it for agent in AGENTS for texts in agent.examples.values() for it in texts]
    assert [it for it in examples if rates.rules.match(it)] == []


@pytest.mark.parametrize("way", Hidden.ways())
def test_an_attack_that_is_hidden_is_found_as_well(rates: Rates, hidden: dict[str, float], way: str) -> None:
    assert len(rates.detected()) > 50
    assert hidden[way] >= HIDDEN


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["harmless", "attacks"])
@pytest.mark.parametrize(("size", "most_ms"), [(4_000, 2), (64_000, 20)])
def test_looking_through_a_text_is_cheap(rates: Rates, kind: str, size: int, most_ms: float) -> None:
    assert rates.milliseconds(kind, size)[1] < PATIENCE * most_ms
