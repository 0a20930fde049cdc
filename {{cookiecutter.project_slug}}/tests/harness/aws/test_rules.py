"""The templates keep to our rules, and each planted fault is named."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.harness.aws import figures, rights, rules
from tests.harness.aws.templates import Templates

pytestmark = pytest.mark.checklist("PERM-1", "DEP-1", "PLAT-1")

MUTANTS: dict[str, Any] = tomllib.loads(Path(__file__).with_name("mutants.toml").read_text(encoding="utf-8"))

CHECKS = {"rules": rules.problems, "rights": rights.problems, "figures": figures.problems}


def mutated(mutant: dict[str, str]) -> Templates:
    return Templates.load().changed(mutant["template"], mutant["before"], mutant["after"])


@pytest.mark.parametrize("check", CHECKS)
def test_the_templates_that_ship_break_no_rule(check: str) -> None:
    assert [*CHECKS[check](Templates.load())] == []


@pytest.mark.parametrize("name", [name for name, it in MUTANTS.items() if it["found_by"] in CHECKS])
def test_a_planted_fault_is_found(name: str) -> None:
    assert [*CHECKS[MUTANTS[name]["found_by"]](mutated(MUTANTS[name]))] != []


def test_an_alias_which_cloudformation_does_not_read_is_refused() -> None:
    with pytest.raises(ValueError, match="no YAML aliases"):
        assert mutated(MUTANTS["alias"]).bodies


@pytest.mark.parametrize("slug", [rules.SHORTEST_SLUG, rules.LONGEST_SLUG])
def test_names_are_legal_for_every_slug(slug: str) -> None:
    templates = Templates.load().named(slug)
    assert [*rules.Names().problems(templates)] == []
    for body in templates.bodies.values():
        pattern = body["Parameters"]["Name"]["AllowedPattern"]
        assert re.fullmatch(pattern, slug)


def test_no_template_is_too_large_to_be_sent_as_it_is() -> None:
    """Beyond 51,200 bytes the command line wants a bucket."""
    assert {name for name, text in Templates.load().texts.items() if len(text.encode()) > 51_200} == set()


def test_a_change_that_changes_nothing_is_no_mutant() -> None:
    with pytest.raises(ValueError, match="service has no Rights"):
        Templates.load().changed("service", "Rights of no one", "")
