"""Every path of the template and of a project can be checked out on every system, and every text is plain."""

import re

import pytest

from tests.render.conftest import Row
from tools.questions import ROOT
from tools.scratch import git, tracked_files

WINDOWS_DEVICE = re.compile(r"(?i)(aux|con|nul|prn|com[0-9]|lpt[0-9])(\..*)?")
ILLEGAL_ON_WINDOWS = re.compile(r'[<>:"|?*\\\x00-\x1f]')
# A user's folder of 100 characters still fits into Windows' 260.
LONGEST_PATH = 150


def is_illegal(part: str) -> bool:
    return bool(ILLEGAL_ON_WINDOWS.search(part) or WINDOWS_DEVICE.fullmatch(part) or part.endswith((".", " ")))


def faults(paths: list[str]) -> list[str]:
    """What is wrong with these relative paths, one line each."""
    found = []
    for path in paths:
        found += [f"{path}: {part!r} is no file name on Windows" for part in path.split("/") if is_illegal(part)]
        if len(path) > LONGEST_PATH:
            found.append(f"{path}: {len(path)} characters")
    lower = [path.lower() for path in paths]
    return found + [f"{path}: differs from another only in case" for path in paths if lower.count(path.lower()) > 1]


@pytest.mark.parametrize("path", ["a/b:c", "aux.txt", "x/NUL", "dot./a", "space ", "a" * 151, "<<slug>>/a"])
def test_a_bad_path_is_named(path: str) -> None:
    assert len(faults([path])) >= 1


def test_two_paths_that_differ_in_case_only_are_named() -> None:
    assert len(faults(["README.md", "readme.md"])) == 2


def test_the_templates_paths_are_legal_everywhere() -> None:
    assert faults(tracked_files()) == []


def test_a_projects_paths_are_legal_everywhere(row: Row) -> None:
    assert faults(sorted(row.by_cookiecutter.files())) == []


def test_every_file_is_a_utf8_text_with_unix_line_ends_and_no_link() -> None:
    """cookiecutter keeps CRLF and copier does not; neither treats links or other encodings alike."""
    wrong = []
    for name in tracked_files():
        content = (ROOT / name).read_bytes()
        if (ROOT / name).is_symlink() or b"\r" in content or b"\0" in content:
            wrong.append(name)
        content.decode("utf-8")
    assert wrong == []


def test_no_template_file_is_hidden_from_git() -> None:
    """The project's own .gitignore, a template file, also works in this repository."""
    ignored = git(ROOT, "status", "--porcelain", "--ignored", "--untracked-files=all", "{{cookiecutter.project_slug}}")
    caches = re.compile(
        r"__pycache__|\.(?:mypy|pytest|ruff)_cache|\.coverage|\.venv/|\.nox/|/var/|/\.readiness|egg-info"
    )
    hidden = [line for line in ignored.splitlines() if line.startswith("!!") and not caches.search(line)]
    assert hidden == []
