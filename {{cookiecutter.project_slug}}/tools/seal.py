"""Says which sealed files are no longer the template's, and what an update did to those that you changed.

`python tools/seal.py` checks, `patch FILE...` takes your change of a sealed file for wanted (`harness.patched`),
`updated` reports between `copier update` and the commit. Needs nothing but Python and, for `updated`, git.
"""

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
MANIFEST, PATCHED, ANSWERS = "harness.manifest", "harness.patched", ".copier-answers.yml"
FOLDER, ADDED = "folder", "added"
WAYS_OUT = """\
The template keeps these files, so that its updates never conflict. Ways out (docs/build.md):
  a setting, or a subclass or hook in src/app, instead of the change; the template's copy is in the commit
  that the last update made: git checkout $(git rev-list -1 HEAD -- .copier-answers.yml) -- FILE
  a file of your own outside of the sealed folders, instead of one in them
  `make patch file=FILE` keeps your change: from then on updates merge that file by line"""


class Lines:
    """One of the two lists: `word  path` a line, `#` begins a comment."""

    def __init__(self, text: str) -> None:
        pairs = [it.split(maxsplit=1) for it in text.splitlines() if it and it[0] != "#"]
        self.folders = tuple(path.strip() for word, path in pairs if word == FOLDER)
        self.words = {path.strip(): word for word, path in pairs if word != FOLDER}


class Seal:
    """The sealed files of one project."""

    def __init__(self, project: Path) -> None:
        self._project = project
        self._manifest = Lines(self._text(MANIFEST))
        self._patched = Lines(self._text(PATCHED)).words

    def _text(self, name: str) -> str:
        path = self._project / name
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    @staticmethod
    def digest(content: bytes) -> str:
        """The hash of a text, whatever line ends a checkout gave it."""
        return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()

    def _state(self, name: str) -> str:
        """`changed`, `missing` or `added`; empty for a file as the template wrote it."""
        path = self._project / name
        if not path.is_file():
            return "missing" if name in self._manifest.words else ""
        if name not in self._manifest.words:
            return ADDED if name.startswith(self._manifest.folders) else ""
        return "changed" * (self.digest(path.read_bytes()) != self._manifest.words[name])

    def _names(self) -> Iterator[str]:
        """Every file that is sealed or lies in a sealed folder; what tools leave there is left out."""
        yield from self._manifest.words
        for folder in self._manifest.folders:
            for path in (self._project / folder).rglob("*"):
                name = path.relative_to(self._project).as_posix()
                is_left = any(part.startswith((".", "__pycache__")) for part in Path(name).parts)
                if name not in self._manifest.words and not is_left and path.is_file():
                    yield name

    def faults(self) -> Iterator[str]:
        """One line for each file that is not as the template wrote it and that nobody listed."""
        for name in sorted(self._names()):
            if name not in self._patched and (state := self._state(name)):
                yield f"{name}: {state}"

    def reviews(self) -> Iterator[str]:
        """One line for each patched file of which the template has another version since."""
        for name, word in sorted(self._patched.items()):
            if word != self._manifest.words.get(name, ADDED):
                yield f"{name}: the template's copy of this patched file has changed since"

    def patch(self, name: str) -> str:
        """Lists one file as changed on purpose, or takes it off when it is the template's again."""
        given, path = name, (self._project / name).resolve()
        name = path.relative_to(self._project).as_posix() if path.is_relative_to(self._project) else str(path)
        state = self._state(name)
        if not (state or name in self._manifest.words or name in self._patched):
            if name == str(path) or not path.is_file():
                raise SystemExit(
                    f"file={given} is no file of this project; write: make patch file=src/harness/service.py"
                )
            return f"{name} is not sealed: edit it as you like"
        kept = [line for line in self._text(PATCHED).splitlines() if line.split()[1:] != [name]]
        if state:
            kept.append(f"{self._manifest.words.get(name, ADDED)}  {name}")
        text = "".join(f"{line}\n" for line in kept)
        (self._project / PATCHED).write_text(text, encoding="utf-8", newline="\n")
        return f"{PATCHED}: {name} is listed" if state else f"{name} is as the template wrote it"


class Update:
    """What lies between the last commit and the files that `copier update` has just written."""

    def __init__(self, project: Path) -> None:
        self._project = project
        self._before = Lines(self._git("show", f"HEAD:{MANIFEST}")).words
        self._now = Lines((project / MANIFEST).read_text(encoding="utf-8")).words
        self._patched = Lines(self._git("show", f"HEAD:{PATCHED}")).words

    def _git(self, *arguments: str) -> str:
        command = ["git", "-c", "core.quotePath=false", *arguments]
        done = subprocess.run(command, cwd=self._project, capture_output=True, check=False)
        return done.stdout.decode(errors="replace")

    def lines(self) -> Iterator[str]:
        """What its owner has to look at, the most urgent first."""
        marks = (
            "^(<{7} before|>{7} after) updating"  # as copier writes them, whether git takes the file for merged or not
        )
        for name in self._git("grep", "--untracked", "-lE", marks).split("\n")[:-1]:
            yield f"conflict: {name}: choose between the marked lines, then `git add {name}`"
        for name in sorted(self._patched.keys() & self._now.keys()):
            if self._before.get(name) != self._now[name]:
                yield f"merged by line: {name}: read `git diff {name}`, then `make patch file={name}`"
        removed = self._git("diff", "--name-only", "--diff-filter=D", "HEAD").split("\n")[:-1]
        edited = [name for name in removed if self._was_edited(name)]
        for name in edited:
            place = self._moved_to(name)
            where = f"moved to {place}" if place else "removed"
            yield f"{where} by the template, though you had changed it: {name}: see `git show HEAD:{name}`"
        if others := len(removed) - len(edited):
            yield f"removed, never changed by you: {others} files (`git diff --name-only --diff-filter=D HEAD`)"

    def _was_edited(self, name: str) -> bool:
        """By the manifest for a sealed file; else by a commit that was neither generation nor update."""
        if name in self._before:
            return Seal.digest(self._git("show", f"HEAD:{name}").encode()) != self._before[name]
        by_template = set(self._git("log", "--format=%H", "--", ANSWERS).split())
        return not set(self._git("log", "--format=%H", "--", name).split()) <= by_template

    def _moved_to(self, name: str) -> str:
        """A new file of the same name elsewhere."""
        listed = self._git("ls-files", "--others", "--exclude-standard").split("\n")[:-1]
        fresh = {*listed, *(self._now.keys() - self._before.keys())}
        return next((it for it in sorted(fresh) if Path(it).name == Path(name).name), "")


def main(arguments: list[str]) -> int:
    """Check, or do what the first argument says."""
    match arguments:
        case ["patch", *names]:
            print("\n".join(map(Seal(PROJECT).patch, names or [""])))
        case ["updated"]:
            lines = [*Update(PROJECT).lines()]
            print("\n".join(lines) or "Nothing of yours was merged, moved or removed.")
            return int(any(line.startswith("conflict") for line in lines))
        case []:
            seal = Seal(PROJECT)
            faults, reviews = [*seal.faults()], [*seal.reviews()]
            faults += [WAYS_OUT] if faults else []
            reviews += ["Review the merge, then: make patch file=FILE"] if reviews else []
            if faults or reviews:
                print("\n".join(faults + reviews), file=sys.stderr)
                return 1
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
