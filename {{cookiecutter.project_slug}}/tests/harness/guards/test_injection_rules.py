"""Rules are data that an operator may add to; a line that is no rule stops the start."""

from pathlib import Path

import pytest

from harness.errors import ConfigurationError
from harness.guards.injection_rules import InjectionRules, RuleFile


def read(folder: Path, text: str) -> RuleFile:
    file = folder / "rules.txt"
    file.write_text(text, encoding="utf-8")
    return RuleFile(file, "INJECTION_RULES_FILE")


def test_a_file_is_read_as_it_explains_itself(tmp_path: Path) -> None:
    text = "# why\n\n$who = you|tu\n[a-b 4]\nsay|di <2>($who)\nstop it*\n[c 1]\nword\n"
    first, second = read(tmp_path, text).rules()
    assert (first.name, first.weight) == ("a-b", 4)
    assert first.forms == ("say|di <2>(you|tu)", "stop it*")
    assert (second.name, second.weight, second.forms) == ("c", 1, ("word",))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("word\n", "line 1: it stands below no"),
        ("[a 4]\nUpper\n", "line 2: only small letters"),
        ("[a 4]\n(a|b) c\n", "line 2: only small letters"),
        ("[a 4]\nhow [a-z]+\n", "line 2: only small letters"),
        ("[a 4]\nsay $what\n", "line 2: a $name is unknown"),
        ("[a 4]\nsay (a|b\n", "line 2: a $name is unknown, or brackets do not match"),
        ("[a 40]\nword\n", "line 1: "),
    ],
)
def test_a_line_that_is_no_rule_is_named(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match="INJECTION_RULES_FILE") as refused:
        list(read(tmp_path, text).rules())
    assert problem in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="INJECTION_RULES_FILE: FileNotFoundError"):
        list(RuleFile(tmp_path / "none", "INJECTION_RULES_FILE").rules())


def test_each_of_our_rules_has_a_name_of_its_own_and_a_known_weight() -> None:
    rules = list(RuleFile(RuleFile.OURS).rules())
    assert len({rule.name for rule in rules}) == len(rules) > 10
    assert {rule.weight for rule in rules} <= set(range(1, InjectionRules.REFUSED + 1))
