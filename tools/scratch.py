"""A copy of the working tree as a git repository of its own: what a user would clone, uncommitted edits included."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from tools.questions import ROOT

# No one's own git configuration (hooks, signing, line ends) may change what the checks see.
GIT_ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Template",
    "GIT_AUTHOR_EMAIL": "template@example.com",
    "GIT_COMMITTER_NAME": "Template",
    "GIT_COMMITTER_EMAIL": "template@example.com",
}


def git(folder: Path, *arguments: str) -> str:
    """What git prints, stripped; a failure raises with git's own words."""
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        capture_output=True,
        encoding="utf-8",
        env=os.environ | GIT_ENVIRONMENT,
    )
    if done.returncode:
        raise RuntimeError(f"git {' '.join(arguments)} in {folder} failed: {done.stderr.strip()}")
    return done.stdout.strip()


def tracked_files(root: Path = ROOT) -> list[str]:
    """What git would take, relative to ``root``: tracked or new, not ignored, not deleted."""
    listed = git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    return sorted({name for name in listed if name and (root / name).is_file()})


def copy_tree(to: Path, root: Path = ROOT, leave_out: Callable[[str], bool] = lambda name: False) -> None:
    for name in tracked_files(root):
        if leave_out(name):
            continue
        target = to / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, target)


def commit_all(folder: Path, message: str, tag: str = "") -> None:
    """Commits every file of ``folder`` (a repository is made if there is none) and tags the commit."""
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)
    if tag:
        git(folder, "tag", "--annotate", tag, "--message", tag)


def scratch_template(to: Path, tag: str) -> Path:
    """A tagged repository of the working tree in ``to``."""
    copy_tree(to)
    commit_all(to, f"Working tree as {tag}", tag)
    return to
