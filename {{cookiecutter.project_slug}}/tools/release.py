"""Makes a release of what is committed: `python -m tools.release 1.2.0`.

The version goes into pyproject.toml, CHANGELOG.md's `Unreleased` becomes that version, and both are
one commit with the annotated tag `v1.2.0`. Nothing is pushed.
"""

import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parents[1]


class Refused(Exception):
    """There is no release; the text says what to do."""


@dataclass(frozen=True, order=True, slots=True)
class Version:
    """Three numbers, as semver.org orders them."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `1.2.0`.

        Raises:
            Refused: It is no such version.
        """
        if not re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}", text, re.ASCII):
            raise Refused(f"{text!r} is no version: give three numbers such as 1.2.0")
        return cls(*map(int, text.split(".")))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    @property
    def tag(self) -> str:
        """Its name in git."""
        return f"v{self}"


class Repository:
    """The git repository of a project folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def git(self, *arguments: str) -> str:
        """What git prints, stripped.

        Raises:
            Refused: It failed; the text is git's own.
        """
        done = subprocess.run(
            ["git", "-C", str(self.folder), *arguments],
            capture_output=True,
            check=False,
            encoding="utf-8",
        )
        if done.returncode:
            raise Refused(f"git {arguments[0]}: {(done.stderr or done.stdout).strip()}")
        return done.stdout.strip()

    def releases(self) -> list[Version]:
        """The released versions, the newest last."""
        tags = self.git("tag", "--list", "v*").split()
        return sorted(
            Version.parse(tag[1:]) for tag in tags if re.fullmatch(r"v\d+\.\d+\.\d+", tag)
        )


class Release:
    """One release of the project in a folder."""

    VERSION = re.compile(r'(?m)^version = "([^"]*)"')
    UNRELEASED = re.compile(r"(?m)^## Unreleased\n(?P<text>(?:(?!^## ).*\n?)*)")
    LOCKS = ("requirements.txt", "requirements-image.txt", "requirements-build.txt")
    """What the image of the tag is built from."""

    def __init__(self, folder: Path, today: date) -> None:
        self._repository = Repository(folder)
        self._project = folder / "pyproject.toml"
        self._changelog = folder / "CHANGELOG.md"
        self._today = today

    def make(self, text: str) -> Version:
        """Commit and tag it.

        Raises:
            Refused: The version, the tree or the changelog does not allow it. Nothing has changed.
        """
        version = Version.parse(text)
        self._refuse_tree()
        self._refuse_version(version)
        project, changelog = self._new_project(version), self._new_changelog(version)
        self._project.write_text(project, encoding="utf-8", newline="\n")
        self._changelog.write_text(changelog, encoding="utf-8", newline="\n")
        git, files = self._repository.git, (self._project.name, self._changelog.name)
        before, message = git("rev-parse", "HEAD"), f"Release {version.tag}"
        try:
            git("commit", "--message", message, "--", *files)
            git("tag", "--annotate", version.tag, "--message", message)
        except Refused:
            git("reset", "--quiet", "--hard", before)  # the tree was clean
            raise
        return version

    def _refuse_tree(self) -> None:
        git = self._repository.git
        if changed := git("status", "--porcelain"):
            raise Refused(f"commit or stash first, the tree has changes:\n{changed}")
        if not git("branch", "--show-current"):
            raise Refused("HEAD is on no branch: `git switch` to the one that you release from")
        for name in self.LOCKS:
            if not git("ls-files", name):
                raise Refused(f"{name} is not committed, the image needs it: `make lock`, commit")

    def _refuse_version(self, version: Version) -> None:
        released = self._repository.releases()
        if released and version <= released[-1]:
            raise Refused(f"{version} must be above the newest release, {released[-1]}")
        found = self.VERSION.search(self._project.read_text(encoding="utf-8"))
        current = Version.parse(found[1]) if found else version
        if version < current:
            raise Refused(f"{version} is below the version in {self._project.name}, {current}")

    def _new_project(self, version: Version) -> str:
        text = self._project.read_text(encoding="utf-8")
        changed, count = self.VERSION.subn(f'version = "{version}"', text, count=1)
        if not count:
            raise Refused(f'{self._project.name} has no line `version = "..."`')
        return changed

    def _new_changelog(self, version: Version) -> str:
        text = self._changelog.read_text(encoding="utf-8")
        found = self.UNRELEASED.search(text)
        if not found or not found["text"].strip():
            raise Refused(
                f"{self._changelog.name} says nothing under `## Unreleased`: what is new?"
            )
        heading = f"## Unreleased\n\n## {version} ({self._today.isoformat()})\n"
        return text[: found.start()] + heading + found["text"] + text[found.end() :]


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the release; the exit code."""
    given = sys.argv[1:] if arguments is None else [*arguments]
    if len(given) != 1:
        print("Give one version: make release VERSION=1.2.0", file=sys.stderr)
        return 2
    try:
        version = Release(ROOT, datetime.now(UTC).date()).make(given[0])
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    print(f"Released {version.tag}. Now: git push --follow-tags; make image VERSION={version}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
