"""What is under monitoring/, rendered; Prometheus and its tool, where they are installed."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.project import Project
from tests.support.prometheus import Prometheus
from tests.support.servers import Missing

PROJECT = Path(__file__).parents[3]
FOLDER = PROJECT / "monitoring"

ANSWER = re.compile(r"\{\{ cookiecutter\.(\w+) \}\}")
"""What an answer of the template takes the place of; a rendered project has none."""

ANSWERS = {"repository_url": "https://git.example/team/service"}


def text(path: Path) -> str:
    """A file's text, rendered."""
    return _rendered(path.read_text(encoding="utf-8"))


def repository() -> str:
    """Where the runbooks lie, as the rules have it."""
    return _rendered(Project.load().repository_url)


def _rendered(text: str) -> str:
    return ANSWER.sub(lambda it: ANSWERS[it[1]], text)


def rules() -> Mapping[str, str]:
    """The files of rules by name."""
    return {it.name: text(it) for it in sorted((FOLDER / "prometheus" / "rules").glob("*.yml"))}


def alerts() -> Sequence[Mapping[str, Any]]:
    """Every alert."""
    return [it for it in _rules() if "alert" in it]


def _rules() -> Iterator[Mapping[str, Any]]:
    for content in rules().values():
        for group in yaml.safe_load(content)["groups"]:
            yield from group["rules"]


def dashboards() -> Mapping[str, Mapping[str, Any]]:
    """The dashboards of Grafana by file name."""
    found = sorted((FOLDER / "grafana" / "dashboards").glob("*.json"))
    return {it.name: json.loads(text(it)) for it in found}


def panel_expressions() -> Mapping[str, str]:
    """What each panel draws; Grafana's variables have a value."""
    return {
        f"{name}: {panel['title']}": target["expr"].replace("$__rate_interval", "5m").replace("$job", "service")
        for name, dashboard in dashboards().items()
        for panel in dashboard["panels"]
        for target in panel["targets"]
    }


def expressions() -> Mapping[str, str]:
    """Every expression, by where it stands."""
    of_rules = {str(it.get("alert") or it["record"]): str(it["expr"]) for it in _rules()}
    return {**of_rules, **panel_expressions()}


def recorded() -> set[str]:
    """The series that rules make."""
    return {str(it["record"]) for it in _rules() if "record" in it}


@dataclass(frozen=True)
class Selector:
    """One series that an expression asks for."""

    metric: str
    matchers: tuple[tuple[str, str, str], ...]
    """Label, operator, value."""

    grouped_by: frozenset[str]
    """Labels that the whole expression groups by."""

    FOREIGN = frozenset({"job", "instance", "le"})
    """Labels that Prometheus makes, or that every histogram has."""

    @property
    def labels(self) -> set[str]:
        """The labels that the series must have."""
        return ({label for label, _, _ in self.matchers} | self.grouped_by) - self.FOREIGN

    def problem(self, samples: Sequence[Mapping[str, str]]) -> str:
        """What `samples`, the labels of what is exported under this name, lack; empty: nothing."""
        if not samples:
            return f"{self.metric} is not exported"
        for missing in self.labels - set(samples[0]):
            return f"{self.metric} has no label {missing}"
        asked = [it for it in self.matchers if it[0] not in self.FOREIGN and it[1] in ("=", "=~")]
        for label, operator, value in asked:
            pattern = re.escape(value) if operator == "=" else value
            if not any(re.fullmatch(pattern, sample[label]) for sample in samples):
                return f"{self.metric} is never exported with {label}{operator}{value}"
        return ""


class Selectors:
    """Finds the series in an expression, as far as our rules and panels write them.

    promtool holds the syntax; this needs the names alone.
    """

    SERIES = re.compile(r"([a-zA-Z_:][\w:]*)\{([^}]*)\}")
    MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
    GROUPING = re.compile(r"\bby\s*\(([^)]*)\)")
    NOISE = re.compile(r"\[[^\]]*\]|\"[^\"]*\"|\b\d[\w.]*")
    WORDS = frozenset({"and", "or", "unless", "by"})

    @classmethod
    def of(cls, expression: str) -> list[Selector]:
        """Every series that `expression` names."""
        grouped = frozenset(label.strip() for it in cls.GROUPING.findall(expression) for label in it.split(","))
        # A label of a grouping belongs to all series of its expression: so ours are written.
        found = [
            Selector(name, tuple(cls.MATCHER.findall(inner)), grouped) for name, inner in cls.SERIES.findall(expression)
        ]
        rest = cls.GROUPING.sub(" ", cls.NOISE.sub(" ", cls.SERIES.sub(" ", expression)))
        names = re.findall(r"[a-zA-Z_:][\w:]*(?!\w*\s*\()(?![\w:])", rest)
        return found + [Selector(name, (), grouped) for name in names if name not in cls.WORDS]


Promtool = Callable[..., str]


@pytest.fixture
def promtool(tmp_path: Path) -> Promtool:
    """Runs promtool beside our rules; what it says. It fails where promtool does."""
    try:
        program = Prometheus.tool()
    except Missing as missing:
        pytest.skip(str(missing))
    for name, text in rules().items():
        (tmp_path / name).write_text(text, encoding="utf-8")

    def run(*arguments: str) -> str:
        done = subprocess.run([program, *arguments], cwd=tmp_path, capture_output=True, check=False, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture
def prometheus() -> Iterator[Prometheus]:
    """A Prometheus of this test alone, not started."""
    try:
        server = Prometheus()
    except Missing as missing:
        pytest.skip(str(missing))
    yield server
    server.stop()
