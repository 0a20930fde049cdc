"""What the rules of the harness would say about `src/app`: advice, which fails nothing.

`[tool.house-rules] off = [...]` in `pyproject.toml` names the rules that its owner does not want to hear about.
"""

import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from .conftest import PROJECT, Fault, Package
from .test_configuration import EnvironmentReads, SettingsFields
from .test_functions import LooseFunctions
from .test_hard_coded_values import HardCodedValues
from .test_prompt_modules import PromptTexts
from .test_test_modules import TestModules

RULES: Mapping[str, Callable[[Package], Iterable[Fault]]] = {
    "loose-functions": LooseFunctions().faults,
    "hard-coded-values": HardCodedValues().faults,
    "prompt-texts": PromptTexts().outside,
    "prompt-names": PromptTexts().unnamed,
    "environment-reads": EnvironmentReads().faults,
    "unread-settings": SettingsFields().unread,
    "undescribed-settings": SettingsFields().undescribed,
    "test-modules": TestModules(PROJECT / "tests").faults,
}


class Advice:
    """The findings of every rule that is not switched off."""

    def __init__(self, off: Iterable[str]) -> None:
        self._off = frozenset(off)

    @classmethod
    def of_project(cls, project: Path = PROJECT) -> "Advice":
        """With the list that the project's owner keeps in `pyproject.toml`."""
        tools = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
        return cls(tools.get("house-rules", {}).get("off", ()))

    def lines(self, package: Package) -> list[str]:
        """One line a finding, and one for each name in the list that is no rule."""
        unknown = [f"pyproject.toml: no house rule is called {it!r}" for it in sorted(self._off - RULES.keys())]
        findings = [
            f"{fault} [{name}]" for name, rule in RULES.items() if name not in self._off for fault in rule(package)
        ]
        return unknown + findings


if __name__ == "__main__":
    lines = Advice.of_project().lines(Package.of_project("app"))
    if lines:
        lines.append("Advice only. Switch a rule off in [tool.house-rules] of pyproject.toml.")
    sys.stdout.writelines(f"{line}\n" for line in lines)
