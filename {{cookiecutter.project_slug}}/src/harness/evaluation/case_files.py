"""Reads the cases: the agents' examples, `evaluation/shipped` and the owner's `evaluation/cases`."""

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, ClassVar

import yaml
from pydantic import ValidationError
from yaml.composer import ComposerError

from ..errors import ConfigurationError
from ..runtime.agent import Agent
from ..runtime.flows import Flow, OwnGraph, Parallel
from .cases import KINDS, Case


class CaseLoader(yaml.BaseLoader):
    """Every value is a text, so that `no` stays the country and `5.20` the price; nothing is said twice."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """A node, which is no alias, and whose keys are texts that differ."""
        if self.check_event(yaml.AliasEvent):
            raise ComposerError(None, None, "aliases are not read here", self.peek_event().start_mark)  # type: ignore[no-untyped-call]
        node = super().compose_node(parent, index)
        keys = [key for key, _ in node.value] if isinstance(node, yaml.MappingNode) else []
        for at, key in enumerate(keys):
            if not isinstance(key, yaml.ScalarNode) or key.value in [it.value for it in keys[:at]]:
                raise ComposerError(None, None, f"the key {key.value} is given twice, or is no text", key.start_mark)
        return node


@dataclass
class Cases:
    """All cases of a project. Everything that is wrong in the files is told at once, with file and line."""

    FOLDER: ClassVar = Path("evaluation")
    OWN: ClassVar = "own"
    """The first word of the ids of the owner's cases, so that no shipped one ever takes theirs."""
    EXAMPLES: ClassVar = "examples/"
    """How the ids of the agents' own examples begin."""
    SAMPLES: ClassVar = "samples.json"
    """Of the shipped cases, digests by agent: `data` and `code` that they were written for, `earlier` versions of it."""
    AGENTS: ClassVar = Path("src/app/agents")

    agents: Sequence[type[Agent[Any]]]
    folder: Path = FOLDER
    flow: Flow = field(default_factory=Parallel)
    counting: list[Case] = field(default_factory=list)
    pending: list[Case] = field(default_factory=list)
    """They wait for a person who says what is right."""

    left_out: list[str] = field(default_factory=list)
    """Shipped cases that mean nothing to this project, or that its owner does not want: id and reason."""

    def load(self) -> "Cases":
        """Read all of them.

        Raises:
            ConfigurationError: A file or a case is wrong.
        """
        self._problems: list[str] = []
        self._without: list[str] = []
        self._members = [*([] if isinstance(self.flow, OwnGraph) else self.agents)]
        self._known = {agent.name for agent in (*self._members, *self.flow.workers(self.agents))}
        samples = self.folder / "shipped" / self.SAMPLES
        self._samples = json.loads(samples.read_bytes()) if samples.exists() else {}
        found = [*self._examples()]
        for file in sorted((self.folder / "shipped").glob("*.yaml")):
            found += self._of_file(file, file.stem)
        for file in sorted(it for it in (self.folder / "cases").rglob("*") if it.suffix in (".yaml", ".yml")):
            found += self._of_file(file, self.OWN)
        self._check_without(found)
        first: dict[str, Case] = {}
        for case in found:
            if other := first.get(case.id):
                self._problems.append(f"{case.origin}: the id {case.id} is taken, by {other.origin}")
            elif reason := self._unfit(case):
                if self._is_own(case):
                    self._problems.append(f"{case.origin}: {reason}")
                else:
                    self.left_out.append(f"{case.id}: {reason}")
            else:
                (self.pending if case.pending else self.counting).append(self._for_flow(case))
            first.setdefault(case.id, case)
        if self._problems:
            raise ConfigurationError(self._problems)
        return self

    def doubtful(self, ids: Collection[str]) -> list[str]:
        """Of the shipped cases with these ids, the agents whose code is not what they were written for."""
        named = {it for case in self.counting if case.id in ids and not self._is_own(case) for it in case.agents or ()}
        code = self._samples.get("code", {})
        folder = self.folder.parent / self.AGENTS
        return sorted(it for it in named if it in code and self.digest(folder / it) != code[it])

    def _check_without(self, found: Sequence[Case]) -> None:
        """Tell of what the owner leaves out and nobody ships; no error, for an update may have taken it away."""
        for word in self._without:
            if not any(it.id.startswith(word) or word in (*(it.agents or ()), *it.adds, *it.needs) for it in found):
                self.left_out.append(f"{word}: nothing shipped begins so: look at `without`")

    def _examples(self) -> Iterator[Case]:
        """Every agent's examples: it answers them, alone, in their language."""
        for agent in self._members:
            for language, examples in agent.examples.items():
                for example in dict.fromkeys(examples):
                    given = {"ask": example, "language": language, "agents": [agent.name], "verdict": "work"}
                    case = Case.model_validate({"kind": "functionality", "must": True, "source": "synthetic"} | given)
                    name = f"{self.EXAMPLES}{agent.name}/{language}/{case.name}"
                    yield case.model_copy(update={"id": name, "origin": f"the examples of {agent.name}"})

    def _for_flow(self, case: Case) -> Case:
        """Without a planner one worker answers everything, and a run does not say which members it asked."""
        return case if self.flow.has_planner else case.model_copy(update={"agents": None, "adds": ()})

    def _unfit(self, case: Case) -> str:
        """Why this project cannot be asked a case; empty for one that it can."""
        named = dict.fromkeys((*(case.agents or ()), *case.adds, *case.needs))
        known = self._known | ({agent.name for agent in self.agents} if self._is_own(case) else set())
        if unknown := sorted(it for it in named if it not in known):
            there = f"{self._hint(unknown[0], self._known)}; there are {', '.join(sorted(self._known)) or 'none'}"
            return f"no agent {', '.join(unknown)}{there if self._is_own(case) else ''}"
        if self._is_own(case):
            return ""
        if unwanted := [it for it in self._without if case.id.startswith(it) or it in named]:
            return f"`without` names {unwanted[0]}"
        refuses = case.verdict in ("decline", "clarify") and not case.agents
        wants_planner = refuses or case.adds or (case.agents is not None and len(case.agents) != 1)
        if wants_planner and not self.flow.has_planner:
            return "the flow has no planner, which shares out or declines"
        return "" if case.id.startswith(self.EXAMPLES) else self._other_sample(named)  # those change with their agent

    def _other_sample(self, named: Iterable[str]) -> str:
        """What of these agents is not that which the shipped cases were written for."""
        for agent in named:
            for path, digest in self._samples.get("data", {}).get(agent, {}).items():
                if self.digest(self.folder.parent / path) != digest:
                    return f"{path} is no longer the sample that it was written for"
            if self.digest(self.folder.parent / self.AGENTS / agent) in self._samples.get("earlier", {}).get(agent, ()):
                return f"{(self.AGENTS / agent).as_posix()} is that of an earlier template"
        return ""

    @staticmethod
    def digest(path: Path) -> str:
        """Of all files of a folder with their names, without byte code; another one where a byte is another."""
        found = hashlib.sha256()
        files = (it for it in path.rglob("*") if it.is_file() and it.suffix != ".pyc")
        for file in sorted(files, key=Path.as_posix):
            found.update(file.relative_to(path).as_posix().encode() + file.read_bytes().replace(b"\r\n", b"\n"))
        return found.hexdigest()[: Case.DIGEST_CHARS]

    def _of_file(self, file: Path, prefix: str) -> Iterator[Case]:
        try:
            root = yaml.compose(file.read_text(encoding="utf-8"), CaseLoader)
        except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as broken:
            mark = getattr(broken, "problem_mark", None)
            where = f"{file}:{mark.line + 1}" if mark else str(file)
            self._problems.append(
                f"{where}: this is no YAML: {getattr(broken, 'problem', broken)};"
                " in brackets a text with a sign such as ? or : stands in quotes"
            )
            return
        if root is None:
            return
        entries = self._entries(root)
        shared = {key: self._value(node) for key, node in entries.items() if key != "cases"}
        if prefix == self.OWN:  # its owner's word about shipped cases
            without = shared.pop("without", [])
            self._without += [without] if isinstance(without, str) else without
        wrong = sorted(shared.keys() - {"kind", "needs"})
        if wrong or "cases" not in entries or not isinstance(entries["cases"], yaml.SequenceNode):
            wanted = "`kind:` and `cases:`, a list; perhaps `needs:` and `without:`"
            self._problems.append(f"{file}:{root.start_mark.line + 1}: a file has {wanted}")
            return
        for node in entries["cases"].value:
            if case := self._case(file, node, {"kind": KINDS[0]} | shared):
                yield case.model_copy(update={"id": f"{prefix}/{case.name}"})

    def _case(self, file: Path, node: Any, shared: Mapping[str, Any]) -> Case | None:
        """The case, or None after its problems were noted."""
        entries = self._entries(node)
        values = {key: self._value(it) for key, it in entries.items()}
        line = node.start_mark.line + 1
        allowed = Case.model_fields.keys() - {"kind", "origin"}
        unknown = [key for key in entries if key not in allowed]
        for key in unknown:
            known = f"unknown key {key}{self._hint(key, allowed)}"
            self._problems.append(f"{file}:{entries[key].start_mark.line + 1}: {known}")
        if unknown or not entries:
            if not entries:
                self._problems.append(f"{file}:{line}: a case is a table, such as `- ask: Will it rain in Lima?`")
            return None
        try:
            return Case.model_validate({**shared, **values, "origin": f"{file}:{line}"})
        except ValidationError as invalid:
            for error in invalid.errors():
                key = str(error["loc"][0]) if error["loc"] else ""
                at = entries[key].start_mark.line + 1 if key in entries else line
                said = error["msg"].removeprefix("Value error, ")
                self._problems.append(f"{file}:{at}: {f'{key}: ' if key else ''}{said}")
            return None

    @classmethod
    def _is_own(cls, case: Case) -> bool:
        return case.id.startswith(f"{cls.OWN}/")

    @staticmethod
    def _entries(node: Any) -> dict[str, Any]:
        """The nodes of a table by key."""
        return {key.value: value for key, value in node.value} if isinstance(node, yaml.MappingNode) else {}

    @classmethod
    def _value(cls, node: Any) -> Any:
        if isinstance(node, yaml.SequenceNode):
            return [cls._value(it) for it in node.value]
        if isinstance(node, yaml.MappingNode):
            return {key.value: cls._value(value) for key, value in node.value}
        return node.value

    @staticmethod
    def _hint(word: str, known: Any) -> str:
        near = get_close_matches(word, known, 1)
        return f"; did you mean {near[0]}?" if near else ""
