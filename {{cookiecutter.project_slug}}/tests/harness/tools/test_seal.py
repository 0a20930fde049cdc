"""The seal names every changed file and its ways out, and after an update what became of the owner's changes."""

import subprocess
from pathlib import Path

import pytest

from tools import seal
from tools.seal import ANSWERS, MANIFEST, PATCHED, Seal, Update

QUOTAS, KEYS = "src/harness/limits/quotas.py", "src/harness/auth/keys.py"
FILES = {QUOTAS: "QUOTA = 1\n", KEYS: "KEY = 1\n"}


def write(project: Path, files: dict[str, str]) -> None:
    """Puts texts into a project."""
    for name, text in files.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text, encoding="utf-8")


def manifest(files: dict[str, str]) -> str:
    """What the template would write for these files."""
    lines = [f"{Seal.digest(text.encode())}  {name}" for name, text in files.items()]
    return "\n".join(["# sealed", "folder  src/harness/", *lines, ""])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write(tmp_path, {**FILES, MANIFEST: manifest(FILES), PATCHED: "# none\n"})
    return tmp_path


def test_a_project_as_it_was_written_has_no_fault(project: Path) -> None:
    write(project, {"src/harness/__pycache__/x.py": "", "src/app/main.py": "", "src/harness/.x": ""})
    assert [*Seal(project).faults(), *Seal(project).reviews()] == []


def test_each_changed_missing_and_added_file_is_named(project: Path) -> None:
    write(project, {QUOTAS: "QUOTA = 2\n", "src/harness/limits/mine.py": ""})
    (project / KEYS).unlink()
    assert [*Seal(project).faults()] == [f"{KEYS}: missing", "src/harness/limits/mine.py: added", f"{QUOTAS}: changed"]


def test_line_ends_of_a_checkout_are_no_change(project: Path) -> None:
    (project / QUOTAS).write_bytes(b"QUOTA = 1\r\n")
    assert [*Seal(project).faults()] == []


def test_the_check_fails_with_the_ways_out(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(seal, "PROJECT", project)
    assert seal.main([]) == 0
    write(project, {QUOTAS: "QUOTA = 2\n"})
    assert seal.main([]) == 1
    said = capsys.readouterr().err
    assert f"{QUOTAS}: changed" in said
    assert "make patch file=FILE" in said
    assert seal.main(["patch", QUOTAS]) == seal.main([]) == 0
    assert seal.main(["patched"]) == 2


@pytest.mark.parametrize("path", [["limits/quotas.py"], ["/etc/hosts"], []])
def test_a_wrong_path_is_told_with_the_right_form(
    project: Path, monkeypatch: pytest.MonkeyPatch, path: list[str]
) -> None:
    monkeypatch.setattr(seal, "PROJECT", project)
    given = path[0] if path else ""
    with pytest.raises(SystemExit, match=f"^file={given} is no file of this project; write: make patch file=src/har"):
        seal.main(["patch", *path])


def test_an_absolute_path_of_the_project_is_understood(project: Path) -> None:
    write(project, {QUOTAS: "QUOTA = 2\n"})
    assert Seal(project).patch(str(project / QUOTAS)) == f"{PATCHED}: {QUOTAS} is listed"


@pytest.mark.parametrize("change", [{QUOTAS: "QUOTA = 2\n"}, {"src/harness/mine.py": ""}, {}])
def test_a_patched_file_is_no_fault_until_it_is_the_templates_again(project: Path, change: dict[str, str]) -> None:
    name = next(iter(change), KEYS)
    before = (project / name).read_bytes() if (project / name).exists() else None
    if change:
        write(project, change)
    else:
        (project / KEYS).unlink()
    Seal(project).patch(name)
    assert [*Seal(project).faults(), *Seal(project).reviews()] == []
    assert (project / PATCHED).read_text(encoding="utf-8").startswith("# none\n")

    if before is None:
        (project / name).unlink()
    else:
        (project / name).write_bytes(before)
    Seal(project).patch(name)
    assert (project / PATCHED).read_text(encoding="utf-8") == "# none\n"


def test_a_file_of_the_owner_needs_no_entry(project: Path) -> None:
    write(project, {"src/app/main.py": ""})
    assert "not sealed" in Seal(project).patch("src/app/main.py")
    assert (project / PATCHED).read_text(encoding="utf-8") == "# none\n"


def test_a_patched_file_that_the_template_changed_wants_a_review(project: Path) -> None:
    write(project, {QUOTAS: "QUOTA = 2\n"})
    Seal(project).patch(QUOTAS)
    write(project, {MANIFEST: manifest({**FILES, QUOTAS: "QUOTA = 3\n"})})
    [review] = Seal(project).reviews()
    assert review.startswith(f"{QUOTAS}: ")
    Seal(project).patch(QUOTAS)
    assert [*Seal(project).reviews(), *Seal(project).faults()] == []


def git(project: Path, *arguments: str) -> None:
    """One git command, by nobody in particular."""
    who = ("-c", "user.name=Ana", "-c", "user.email=ana@example.com", "-c", "commit.gpgsign=false")
    command = ["git", *who, *arguments]
    subprocess.run(command, cwd=project, check=True, capture_output=True)


@pytest.fixture
def committed(project: Path) -> Path:
    """Generated, then a page and a sealed file changed by the owner, in git."""
    write(project, {ANSWERS: "_commit: v1\n", "docs/a.md": "A\n", "docs/b.md": "B\n"})
    git(project, "init", "--quiet")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "Generated")
    write(project, {"docs/a.md": "Mine\n", QUOTAS: "QUOTA = 2\n"})
    Seal(project).patch(QUOTAS)
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "Mine")
    return project


def test_an_update_that_touched_nothing_of_the_owner_says_nothing(committed: Path) -> None:
    write(committed, {MANIFEST: manifest({**FILES, KEYS: "KEY = 2\n"}), KEYS: "KEY = 2\n"})
    assert [*Update(committed).lines()] == []


def test_a_merged_patch_and_each_edited_file_that_went_are_named(committed: Path) -> None:
    moved = "docs/pages/a.md"
    write(committed, {MANIFEST: manifest({**FILES, QUOTAS: "QUOTA = 3\n"}), moved: "A\n"})
    (committed / "docs/a.md").unlink()
    (committed / "docs/b.md").unlink()
    merged, gone, rest = Update(committed).lines()
    assert merged.startswith(f"merged by line: {QUOTAS}: ")
    assert gone.startswith(f"moved to {moved} by the template, though you had changed it: docs/a.md")
    assert rest.startswith("removed, never changed by you: 1 files")


def test_a_patched_file_that_the_template_dropped_is_named(committed: Path) -> None:
    write(committed, {MANIFEST: manifest({KEYS: FILES[KEYS]})})
    (committed / QUOTAS).unlink()
    [gone] = Update(committed).lines()
    assert gone.startswith(f"removed by the template, though you had changed it: {QUOTAS}")


def test_while_marks_of_a_merge_are_left_the_report_fails(
    committed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(seal, "PROJECT", committed)
    assert seal.main(["updated"]) == 0
    write(committed, {QUOTAS: "<<<<<<< before updating\nQUOTA = 2\n=======\nQUOTA = 3\n>>>>>>> after updating\n"})
    git(committed, "add", "--all")  # git knows of no conflict any more
    assert seal.main(["updated"]) == 1
    assert f"conflict: {QUOTAS}: " in capsys.readouterr().out
