"""Makes a release of what is committed: `python -m tools.release 1.2.0`.

The version goes into pyproject.toml and uv.lock, CHANGELOG.md's `Unreleased` becomes that version, and all are one
commit with the annotated tag `v1.2.0`. Nothing is pushed.
"""

import re
import sys
from datetime import UTC, datetime
from pathlib import Path

from . import ROOT, UV
from .containers import Failed, ask

DEFAULTS = (
    "Your Name",
    "you@example.com",
    "your-organization",
    "Agent Service",
    "Answers questions with agents that look",
)
"""Answers that nobody has given: the template's own, as texts hold them."""
HOLDERS = ("pyproject.toml", "SECURITY.md", "LICENSE", "Dockerfile", "README.md", "src/app/project.json")
"""What a reader of a release sees of them."""

UNRELEASED = re.compile(r"(?m)^## Unreleased\n(?P<text>(?:(?!^## ).*\n?)*)")
NUMBERS = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)", re.ASCII)


def numbers(version: str) -> tuple[int, ...]:
    """`1.2.0` as its numbers, which have an order. `Failed`: it is no such version."""
    if not (found := NUMBERS.fullmatch(version)):
        raise Failed(f"{version!r} is no version: give three numbers such as 1.2.0")
    return tuple(map(int, found.groups()))


def releases(folder: Path) -> list[str]:
    """The released versions, the newest last."""
    tags = ask("git", "tag", "--list", "v*", folder=folder).split()
    return sorted((tag[1:] for tag in tags if NUMBERS.fullmatch(tag[1:])), key=numbers)


def release(folder: Path, version: str, today: str) -> None:
    """Commit and tag it. `Failed`: version, tree or changelog do not allow it, and nothing has changed."""
    wanted = numbers(version)
    if changed := ask("git", "status", "--porcelain", folder=folder):
        raise Failed(f"commit or stash first, the tree has changes:\n{changed}")
    if not ask("git", "branch", "--show-current", folder=folder):
        raise Failed("HEAD is on no branch: `git switch` to the one that you release from")
    if not ask("git", "ls-files", "uv.lock", folder=folder):
        raise Failed("uv.lock is not committed, the image needs it: `make lock`, commit")
    if (known := releases(folder)) and wanted <= numbers(known[-1]):
        raise Failed(f"{version} must be above the newest release, {known[-1]}")
    current = ask(UV, "version", "--short", folder=folder)
    if wanted < numbers(current):
        raise Failed(f"{version} is below the version in pyproject.toml, {current}")
    changelog = folder / "CHANGELOG.md"
    text = changelog.read_text(encoding="utf-8")
    news = UNRELEASED.search(text)
    if not news or not news["text"].strip():
        raise Failed("CHANGELOG.md says nothing under `## Unreleased`: what is new?")
    message, before = f"Release v{version}", ask("git", "rev-parse", "HEAD", folder=folder)
    try:
        ask(UV, "version", "--no-sync", version, folder=folder)
        head = f"## Unreleased\n\n## {version} ({today})\n{news['text']}"
        text = text[: news.start()] + head + text[news.end() :]
        changelog.write_text(text, encoding="utf-8", newline="\n")
        ask("git", "commit", "--all", "--message", message, folder=folder)
        ask("git", "tag", "--annotate", f"v{version}", "--message", message, folder=folder)
    except Failed:
        ask("git", "reset", "--quiet", "--hard", before, folder=folder)  # the tree was clean
        raise


def remarks(folder: Path) -> list[str]:
    """Which files still say what the template would answer; a release may, its readers wonder."""
    files = {name: folder / name for name in HOLDERS}
    texts = {name: path.read_text(encoding="utf-8") for name, path in files.items() if path.is_file()}
    named = {default: [name for name, text in texts.items() if default in text] for default in DEFAULTS}
    return [f"Still the template's default: {it!r} in {', '.join(names)}" for it, names in named.items() if names]


def main(version: str = "", *, folder: Path = ROOT) -> None:
    """Make the release."""
    release(folder, version, datetime.now(UTC).date().isoformat())
    for remark in remarks(folder):
        print(remark)
    print(f"Released v{version}. Now: git push --follow-tags; make image VERSION={version}")


if __name__ == "__main__":
    main(*sys.argv[1:2])
