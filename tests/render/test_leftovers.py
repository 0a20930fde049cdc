"""What tools leave in the template folder of a developer's checkout reaches no project."""

from pathlib import Path

from tests.template import Template

LEFTOVERS = (
    "src/app/__pycache__/x.cpython-311.pyc",
    ".mypy_cache/cache.db",
    ".coverage",
    ".ruff_cache/0.17/1",
    "var/x.sqlite",
)
# Neither text that could be rendered nor what cookiecutter takes for binary: seen to crash it.
BYTES = b"plain text at first {{ and then " * 40 + b"\x9c\xe9"


def test_caches_of_a_checkout_are_neither_rendered_nor_kept(own_template: Template, tmp_path: Path) -> None:
    clean = own_template.with_cookiecutter(tmp_path / "clean", {})
    for name in LEFTOVERS:
        path = own_template.project_folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(BYTES)
    made = own_template.with_cookiecutter(tmp_path / "made", {})
    assert made.files() == clean.files()
    assert made.empty_folders() == []


def test_a_users_own_environment_in_an_existing_folder_stays(own_template: Template, tmp_path: Path) -> None:
    """Only what the template folder holds is taken away again, also with --overwrite-if-exists."""
    mine = tmp_path / "made" / "agent-service" / ".venv" / "mine"
    mine.parent.mkdir(parents=True)
    mine.touch()
    own_template.with_cookiecutter(tmp_path / "made", {}, overwrite=True)
    assert mine.exists()
