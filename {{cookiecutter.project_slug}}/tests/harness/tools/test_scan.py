import subprocess
import sys
from pathlib import Path

import pytest

from tools import scan

# Put together here, so that this file holds none.
SECRETS = {
    "Model provider key": "key = sk-" + "proj-" + "a1B2c3D4" * 6,
    "AWS Access Key": "id = AK" + "IA" + "Q3EGRTA7BX2LMNOP",
    "Private Key": "-----BEGIN " + "RSA PRIVATE KEY-----",
    "Secret Keyword": "pass" + 'word = "correct-horse-battery"',
    "GitHub Token": "token = gh" + "p_" + "a1B2c3D4e5F6" * 3,
}


def findings(root: Path, text: str, name: str = "notes.txt") -> list[str]:
    file = root / name
    file.write_text(text, encoding="utf-8")
    return list(scan.findings(root, [file]))


@pytest.mark.parametrize("kind", SECRETS)
@pytest.mark.checklist("SEC-2")
def test_a_planted_secret_is_found_where_it_lies_and_not_repeated(
    tmp_path: Path, kind: str
) -> None:
    found = findings(tmp_path, f"harmless\n{SECRETS[kind]}\n")
    assert f"notes.txt:2: {kind}" in found
    assert SECRETS[kind] not in "".join(found)


@pytest.mark.parametrize(
    ("kind", "expected"), [("Secret Keyword", []), ("AWS Access Key", ["AWS Access Key"])]
)
def test_a_test_may_plant_a_password_but_not_a_real_key(
    tmp_path: Path, kind: str, expected: list[str]
) -> None:
    (tmp_path / "tests").mkdir()
    found = findings(tmp_path, SECRETS[kind], "tests/test_login.py")
    assert found == [f"tests/test_login.py:1: {kind}" for kind in expected]


def test_prose_and_code_that_ask_for_a_secret_hold_none(tmp_path: Path) -> None:
    text = (
        "El token de la sesión y la contraseña no se guardan.\n"
        "api_key = settings.llm_api_key\n"
        "LLM_API_KEY=\n"
        "sha = 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n"
    )
    assert findings(tmp_path, text) == []


def test_a_line_that_says_it_is_no_secret_is_let_through(tmp_path: Path) -> None:
    line = SECRETS["Model provider key"]
    assert findings(tmp_path, f"{line}  # pragma: allowlist secret\n") == []


@pytest.mark.parametrize("marker", ["<" * 7 + " ours", ">" * 7 + " theirs"])
def test_a_merge_left_undone_is_found(tmp_path: Path, marker: str) -> None:
    assert findings(tmp_path, f"a\nb\n{marker}\n") == ["notes.txt:3: merge marker"]


def test_a_heading_underlined_with_equals_signs_is_no_merge(tmp_path: Path) -> None:
    assert findings(tmp_path, "Title\n=======\n") == []


def test_a_file_that_is_no_text_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "image.bin"
    file.write_bytes(bytes(range(256)))
    assert list(scan.findings(tmp_path, [file])) == []


def test_without_git_every_file_outside_the_caches_is_looked_at(tmp_path: Path) -> None:
    for name in ("a.py", "deep/b.py", ".venv/lib/c.py", "__pycache__/d.pyc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert scan.files(tmp_path) == [tmp_path / "a.py", tmp_path / "deep" / "b.py"]


def test_with_git_ignored_files_are_left_out_and_new_ones_are_not(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    (tmp_path / ".gitignore").write_text(".env\n")
    for name in (".env", "año nuevo.txt"):
        (tmp_path / name).touch()
    assert [file.name for file in scan.files(tmp_path)] == [".gitignore", "año nuevo.txt"]


def test_inside_a_repository_that_ignores_the_folder_it_is_looked_at_all_the_same(
    tmp_path: Path,
) -> None:
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    (tmp_path / ".gitignore").write_text("inner/\n")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "a.py").touch()
    assert [file.name for file in scan.files(tmp_path / "inner")] == ["a.py"]


def test_the_command_fails_on_a_finding_and_names_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_text(SECRETS["Private Key"])
    assert scan.main([str(tmp_path / "notes.txt")], tmp_path) == 1
    assert capsys.readouterr().out == "notes.txt:1: Private Key\n"


@pytest.mark.slow  # `lint` does the same
@pytest.mark.checklist("SEC-2")
def test_this_project_holds_no_secret_and_no_merge_left_undone() -> None:
    assert scan.ROOT / "pyproject.toml" in scan.files(scan.ROOT)
    # A process of its own: measured by coverage, the same scan takes three times as long.
    command = [sys.executable, "tools/scan.py"]
    done = subprocess.run(command, cwd=scan.ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "No merge marker, no secret\n")
