"""The template as a user has it (a tagged repository) and the projects that come out of it."""

import io
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import copier
import yaml
from cookiecutter.main import cookiecutter

from tools.questions import PROJECT_FOLDER, Questions
from tools.scratch import commit_all, copy_tree, git, scratch_template

FIGURES = "figures"
"""What a test records under this name is printed at the end of the run."""

ANSWERS_FILE = ".copier-answers.yml"


@dataclass(frozen=True)
class Project:
    """One generated project."""

    folder: Path

    def files(self) -> dict[str, tuple[bytes, int]]:
        """Relative path -> content and executable bits, git's own files left out."""
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return {
            path.relative_to(self.folder).as_posix(): (path.read_bytes(), path.stat().st_mode & 0o777)
            for path in found
            if ".git" not in path.relative_to(self.folder).parts
        }

    def empty_folders(self) -> list[str]:
        found = (path for path in self.folder.rglob("*") if path.is_dir() and not any(path.iterdir()))
        return [path.relative_to(self.folder).as_posix() for path in found]

    def answers(self) -> dict[str, Any]:
        stored: dict[str, Any] = yaml.safe_load(self.read(ANSWERS_FILE))
        return stored

    def read(self, relative: str) -> str:
        return (self.folder / relative).read_text(encoding="utf-8")

    def write(self, relative: str, text: str) -> None:
        path = self.folder / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")

    def commit(self, message: str = "Mine") -> None:
        commit_all(self.folder, message)

    def changes(self) -> list[str]:
        """What ``git status`` lists, one entry a file."""
        return git(self.folder, "status", "--porcelain", "--untracked-files=all").splitlines()

    def update(self, to: str | None = None, **answers: Any) -> None:
        """``copier update --defaults`` to the newest release or to ``to``, with changed answers."""
        copier.run_update(str(self.folder), data=answers, vcs_ref=to, defaults=True, overwrite=True, quiet=True)


@dataclass(frozen=True)
class Template:
    """A tagged repository of the template."""

    folder: Path

    @classmethod
    def of_working_tree(cls, folder: Path, tag: str = "v0.0.1") -> "Template":
        return cls(scratch_template(folder, tag))

    @classmethod
    def of_questions(cls, folder: Path) -> "Template":
        """All of the template but the project's own files: questions, rules and hooks, quick to render."""
        copy_tree(folder, leave_out=lambda name: name.startswith(PROJECT_FOLDER) and "_answers_file" not in name)
        commit_all(folder, "Questions only", "v0.0.1")
        return cls(folder)

    @property
    def project_folder(self) -> Path:
        return self.folder / PROJECT_FOLDER

    def questions(self) -> Questions:
        return Questions.read(self.folder)

    def release(self, tag: str) -> None:
        """Commits every edit and tags it."""
        commit_all(self.folder, f"Release {tag}", tag)

    def with_cookiecutter(self, into: Path, answers: dict[str, Any], overwrite: bool = False) -> Project:
        """In this process; a refusal raises FailedHookException after the hook has said why on stderr."""
        self._refuse_unknown(answers)
        into.mkdir(parents=True, exist_ok=True)
        config = into.parent / f"{into.name}-cookiecutter.yaml"
        homes = {"cookiecutters_dir": str(into.parent / "clones"), "replay_dir": str(into.parent / "replays")}
        config.write_text(yaml.safe_dump(homes), encoding="utf-8")
        arguments = {
            "no_input": True,
            "extra_context": answers,
            "config_file": str(config),
            "overwrite_if_exists": overwrite,
        }
        made = cookiecutter(str(self.folder), output_dir=str(into), **arguments)
        return Project(Path(made))

    def with_copier(self, into: Path, answers: dict[str, Any]) -> Project:
        """In this process, from the newest tag; a refusal raises ValueError."""
        self._refuse_unknown(answers)
        folder = into / answers.get("project_slug", "project")
        with redirect_stderr(io.StringIO()), redirect_stdout(io.StringIO()):
            copier.run_copy(str(self.folder), folder, data=answers, defaults=True, quiet=True)
        return Project(folder)

    def with_engine(self, engine: str, into: Path, answers: dict[str, Any]) -> Project:
        make = {"cookiecutter": self.with_cookiecutter, "copier": self.with_copier}[engine]
        return make(into, answers)

    def _refuse_unknown(self, answers: dict[str, Any]) -> None:
        # cookiecutter ignores an unknown question in silence, so a renamed one would still look tested.
        unknown = answers.keys() - self.questions().defaults.keys()
        if unknown:
            raise KeyError(f"answers to questions that do not exist: {sorted(unknown)}")
