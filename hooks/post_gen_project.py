"""Takes away what was not chosen and writes the answers file that ``copier update`` reads; changes no other content.

Anything else done here would look like the user's own edit at the first update.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ANSWERS_FILE = ".copier-answers.yml"
PROJECT_FOLDER = "{" + "{cookiecutter.project_slug}" + "}"
RELEASE_TAGS = "v[0-9]*.[0-9]*.[0-9]*"
# What copier's own get_repo() takes for a git address (copier 9.19).
COPIER_PREFIXES = ("gh:", "gl:", "git@", "git://", "git+", "https://github.com/", "https://gitlab.com/")
# Archive addresses of GitHub (/archive/) and GitLab (/-/archive/): the part before it is the repository.
ARCHIVE_ADDRESS = re.compile(r"(?P<repository>https://.+?)/(?:-/)?archive/.+\.zip")


class TemplateSource:
    """Where this project came from, in the words that ``copier update`` understands.

    ``typed`` is what the user gave cookiecutter, ``repo_dir`` where cookiecutter found the template, and ``started_in``
    the folders in which a relative path may have been typed, the likeliest first.
    """

    def __init__(self, typed: str, repo_dir: str, started_in: tuple[Path, ...]) -> None:
        self.typed = typed
        self.is_local_path = typed == repo_dir
        self.folder = self._absolute(repo_dir, started_in)

    @classmethod
    def from_context(cls, context: Mapping[str, Any], shell_folder: str) -> "TemplateSource":
        """From cookiecutter's context; ``shell_folder`` is ``$PWD``, or empty where the shell sets none."""
        output = Path(context["_output_dir"])
        shell = (Path(shell_folder),) if shell_folder else ()
        return cls(context["_template"], context["_repo_dir"], (*shell, output, *output.parents))

    @staticmethod
    def _absolute(repo_dir: str, started_in: tuple[Path, ...]) -> Path:
        # The hook runs inside the new project, so a relative path means nothing here without its base.
        for base in started_in:
            if (base / repo_dir / "cookiecutter.json").is_file():
                return (base / repo_dir).resolve()
        return Path(repo_dir)

    def path(self) -> str:
        """``_src_path`` of the answers file."""
        if archive := ARCHIVE_ADDRESS.fullmatch(self.typed):
            return f"{archive['repository']}.git"
        if self.is_local_path:
            return self.folder.as_posix()
        if self._is_git_address(self.typed):
            return self.typed
        origin = self._git("remote", "get-url", "origin") or self.typed
        if self._is_git_address(origin) or "://" not in origin:
            return origin
        return f"git+{origin}"

    def commit(self) -> str:
        """``_commit`` of the answers file: the release (and the way past it), never a branch; empty if unknown."""
        if self._is_repository():
            return self._git("describe", "--tags", "--always", "--match", RELEASE_TAGS)
        return self._archived_commit()

    def can_update(self) -> bool:
        """Whether ``copier update`` will find both the template and the version that this project was made from."""
        has_history = self._is_repository() or ARCHIVE_ADDRESS.fullmatch(self.typed) is not None
        return has_history and bool(self.commit())

    def leftovers(self) -> list[str]:
        """What tools left in the template's project folder (caches, reports), relative to it: ignored by git."""
        if not self._is_repository():
            return []
        listing = ("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory")
        found = self._git("-C", PROJECT_FOLDER, *listing).split("\0")
        return [name.rstrip("/") for name in found if name]

    @staticmethod
    def _is_git_address(text: str) -> bool:
        return text.endswith(".git") or text.startswith(COPIER_PREFIXES)

    def _is_repository(self) -> bool:
        # An unpacked archive may lie inside some other repository: only the root counts.
        return self._git("rev-parse", "--is-inside-work-tree", "--show-prefix") == "true"

    def _archived_commit(self) -> str:
        # ``git archive`` fills this file in (export-subst); in a plain copy the placeholders are still there.
        try:
            text = (self.folder / ".git_archival.txt").read_text(encoding="utf-8")
        except OSError:
            return ""
        facts = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
        return next((facts[key] for key in ("describe", "node") if facts.get(key, "$")[:1] not in ("$", "")), "")

    def _git(self, *arguments: str) -> str:
        environment = {key: value for key, value in os.environ.items() if key not in ("GIT_DIR", "GIT_WORK_TREE")}
        try:
            done = subprocess.run(
                ["git", "-C", str(self.folder), *arguments],
                capture_output=True,
                check=True,
                encoding="utf-8",
                env=environment,
            )
        except (OSError, subprocess.CalledProcessError):
            return ""
        return done.stdout.strip()


def is_chosen(when: Mapping[str, object], context: Mapping[str, Any]) -> bool:
    return all(context[question] == answer for question, answer in when.items())


def remove(project: Path, relative: str) -> None:
    """Removes a file or folder and the parents that it leaves empty; one that is not there is no error."""
    path = project / relative
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    for parent in path.relative_to(project).parents[:-1]:
        folder = project / parent
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def remove_unchosen(project: Path, context: Mapping[str, Any]) -> None:
    for feature in context["_features"].values():
        if not is_chosen(feature["when"], context):
            for relative in feature["paths"]:
                remove(project, relative)


def answers_text(answers: Mapping[str, object], heading: str) -> str:
    """The same bytes as copier's ``_copier_answers | to_nice_yaml`` below the template's first line."""
    import yaml  # cookiecutter depends on it, and hooks run in cookiecutter's interpreter

    return heading + yaml.dump(dict(answers), indent=4, allow_unicode=True, default_flow_style=False)


def main() -> None:
    context = json.loads(r"""{{ cookiecutter | tojson }}""")
    project = Path.cwd()
    source = TemplateSource.from_context(context, os.environ.get("PWD", ""))

    remove_unchosen(project, context)
    # Someone who ran the unrendered project has caches in the template folder; cookiecutter copies them.
    for relative in source.leftovers():
        remove(project, relative)
    answers = {key: value for key, value in context.items() if not key.startswith("_")}
    answers |= {"_src_path": source.path()}
    answers |= {"_commit": commit} if (commit := source.commit()) else {}
    with (project / ANSWERS_FILE).open("w", encoding="utf-8", newline="\n") as file:
        file.write(answers_text(answers, context["_answers_heading"]))

    print(f"Created: {project}")
    print(f"Start:   cd {project} && make dev")
    if source.can_update():
        print("Update:  commit it to git; later run `copier update --skip-answered` in it")
    else:
        print(
            f"Update:  first put the template's git address and tag into {ANSWERS_FILE} (this copy has no git history)"
        )


if __name__ == "__main__":
    main()
