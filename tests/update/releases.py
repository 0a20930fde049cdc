"""The template's releases, found in the history: commits titled ``Release vX.Y.Z``; tags need not reach a clone."""

import re
from dataclasses import dataclass
from pathlib import Path

from tools.questions import ROOT
from tools.scratch import git

TITLE = re.compile(r"Release (v[0-9]+\.[0-9]+\.[0-9]+)")


@dataclass(frozen=True)
class Release:
    """A version and the commit that is it."""

    version: str
    commit: str

    @property
    def number(self) -> tuple[int, ...]:
        """``v0.10.0`` as ``(0, 10, 0)``, which sorts."""
        return tuple(map(int, self.version[1:].split(".")))


def releases(root: Path = ROOT) -> list[Release]:
    """The oldest first; empty before the first release and in a clone without history."""
    try:
        log = git(root, "log", "--reverse", "--format=%H %s")
    except RuntimeError:
        return []
    commits = (line.split(" ", 1) for line in log.splitlines() if " " in line)
    titled = ((commit, TITLE.fullmatch(title)) for commit, title in commits)
    return [Release(match[1], commit) for commit, match in titled if match]


def why_none(root: Path = ROOT) -> str:
    """Why there is no release to update from, for whoever reads the skipped test."""
    try:
        is_shallow = git(root, "rev-parse", "--is-shallow-repository") == "true"
    except RuntimeError:
        return "no git history here"
    if is_shallow:
        return "this clone is shallow: fetch the whole history (fetch-depth: 0)"
    return "no commit titled 'Release vX.Y.Z' in the history yet"
