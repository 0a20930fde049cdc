"""Goes back to the previous release, or to the one that is named: `python -m tools.rollback [--to 1.1.0]`.

With compose: the image of that release replaces the one that runs, and has to answer. With
`--kubernetes OVERLAY`: the overlay's `newTag` is that release, and kubectl applies it and waits.
The stores stay as they are; releases of one major version read each other's.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from .containers import Compose, Engine, Failed, Image, Missing
from .containers.answer import Answer
from .release import Refused, Repository, Version

ROOT = Path(__file__).resolve().parents[1]


class Target:
    """Which release to go back to."""

    def __init__(self, folder: Path) -> None:
        self._releases = Repository(folder).releases()

    def before(self, running: str) -> Version:
        """The release before the one that runs; `1.2.0-1a2b3c4` runs behind 1.2.0.

        Raises:
            Refused: There is none.
        """
        number, _, rest = running.partition("-")
        version = Version.parse(number)
        older = [it for it in self._releases if it < version or (rest and it == version)]
        if not older:
            raise Refused(f"there is no release before {running}")
        return older[-1]

    def named(self, text: str) -> Version:
        """This release.

        Raises:
            Refused: There is none of this name.
        """
        version = Version.parse(text)
        if version not in self._releases:
            known = ", ".join(map(str, self._releases)) or "none"
            raise Refused(f"{version} was never released; known here: {known}")
        return version


class ComposeRollback:
    """Goes back on this machine."""

    def __init__(self, folder: Path) -> None:
        self._engine = Engine.find()
        self._compose = Compose(self._engine, folder)
        self._image = Image(self._engine, folder)
        self._target = Target(folder)

    def run(self, to: str | None) -> str:
        """Replace what runs; what happened, in one line."""
        running = self._compose.running_tag()
        if not running and not to:
            raise Refused("nothing runs here, so there is no release before it: name one with TO=")
        version = self._target.named(to) if to else self._target.before(running)
        self._image.provide(str(version))
        self._compose.up(str(version), "--no-deps", Compose.SERVICE)
        commit = Answer(self._compose.port).wait_for(str(version))
        return f"{running or 'nothing'} -> {version}, commit {commit}: it answers"


class KubernetesRollback:
    """Goes back in the cluster that kubectl points to, and in the file that says what runs there."""

    OVERLAYS = Path("deploy/kubernetes/overlays")
    TAG = re.compile(r'(?m)^(\s*newTag: )"?([^"\s]+)"?$')
    NAMESPACE = re.compile(r'(?m)^namespace: "?([^"\s]+)"?$')
    PATIENCE = "300s"
    """Longest wait for the new pods; then kubectl fails, and the old ones still serve."""

    def __init__(self, folder: Path, overlay: str) -> None:
        self._folder = folder
        self._file = folder / self.OVERLAYS / overlay / "kustomization.yaml"
        self._target = Target(folder)

    def run(self, to: str | None, *, only_show: bool) -> str:
        """Change the file, apply it, wait; what happened. `only_show`: what would."""
        if not self._file.is_file():
            raise Refused(f"there is no {self._file.relative_to(self._folder)}")
        text = self._file.read_text(encoding="utf-8")
        found, namespace = self.TAG.search(text), self.NAMESPACE.search(text)
        if not found or not namespace:
            raise Refused(f"{self._file.name} names no newTag or no namespace")
        version = self._target.named(to) if to else self._target.before(found[2])
        commands = self.commands(namespace[1])
        if not only_show:
            changed = self.TAG.sub(rf'\g<1>"{version}"', text, count=1)
            self._file.write_text(changed, encoding="utf-8", newline="\n")
            for command in commands:
                if subprocess.run(command, cwd=self._folder, check=False).returncode:
                    raise Failed(f"`{' '.join(command)}` failed; the file says {version} already")
        lines = [f"{found[2]} -> {version} in {self._file.relative_to(self._folder)}"]
        return "\n".join([*lines, *(" ".join(command) for command in commands)])

    def commands(self, namespace: str) -> Sequence[Sequence[str]]:
        """What kubectl is asked."""
        folder = self._file.parent.relative_to(self._folder).as_posix()
        status = ("rollout", "status", "deployment/service", f"--timeout={self.PATIENCE}")
        return (
            ("kubectl", "apply", "--kustomize", folder),
            ("kubectl", "--namespace", namespace, *status),
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Go back; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.rollback", description=__doc__)
    parser.add_argument("--to", metavar="VERSION", help="the release; without it: the one before")
    parser.add_argument("--kubernetes", metavar="OVERLAY", help="in the cluster, not in compose")
    parser.add_argument("--show", action="store_true", help="with --kubernetes: only show")
    options = parser.parse_args(arguments)
    to = options.to or None
    try:
        if options.kubernetes:
            kubernetes = KubernetesRollback(ROOT, options.kubernetes)
            print(kubernetes.run(to, only_show=options.show))
        else:
            print(ComposeRollback(ROOT).run(to))
    except (Refused, Failed, Missing) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
