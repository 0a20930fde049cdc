"""Goes back to the previous release, or to the one that is named: `python -m tools.rollback [1.1.0]`.

With compose: its image replaces the one that runs, and has to answer. With an overlay named after it: the overlay's `newTag`
names it, and kubectl applies it and waits. Where the overlay has a `digest`, that of the release is found in the overlay's
history, or named: `python -m tools.rollback 1.1.0 production sha256:...`. The stores stay; releases of one major version
read each other's.
"""

import re
import sys
from pathlib import Path

from . import ROOT
from .containers import Failed, Service, ask, do
from .release import numbers, releases

OVERLAYS = Path("deploy/kubernetes/overlays")
TAG = re.compile(r'(?m)^(\s*newTag: )"?([^"\s]+)"?')
DIGEST = re.compile(r'(?m)^(\s*digest: )"?(sha256:[0-9a-f]{64})"?')
NAMESPACE = re.compile(r'(?m)^namespace: "?([^"\s]+)"?$')
# Longest wait for the new pods; then kubectl fails, and the old ones still serve.
PATIENCE = "--timeout=300s"


def target(folder: Path, running: str, to: str) -> str:
    """The release named `to`, or the one before what runs; `1.2.0-1a2b3c4` is after 1.2.0. `Failed`: there is none."""
    known = releases(folder)
    if to and (numbers(to), to in known)[1]:
        return to
    if to:
        raise Failed(f"{to} was never released; known here: {', '.join(known) or 'none'}")
    if not running:
        raise Failed("nothing runs here, so there is no release before it: name one with TO=")
    number, _, rest = running.partition("-")
    now = numbers(number)
    older = [it for it in known if numbers(it) < now or (rest and it == number)]
    if not older:
        raise Failed(f"there is no release before {running}")
    return older[-1]


def with_compose(folder: Path, to: str) -> str:
    """Replace what runs on this machine; what happened, in one line."""
    service = Service(folder)
    running = service.running().rpartition(":")[2]
    version = target(folder, running, to)
    service.provide(version)
    commit = service.up(version, version, "--no-deps", "service")
    return f"{running or 'nothing'} -> {version}, commit {commit}: it answers"


def digest_of(folder: Path, file: Path, version: str) -> str:
    """What the overlay has had beside this tag, by its history. `Failed`: it never had it."""
    for commit in ask("git", "log", "--format=%H", "--", file.as_posix(), folder=folder).split():
        text = ask("git", "show", f"{commit}:./{file.as_posix()}", folder=folder)
        tag, digest = TAG.search(text), DIGEST.search(text)
        if tag and digest and tag[2] == version:
            return digest[2]
    raise Failed(f"{file} has never named the digest of {version}: give it, DIGEST=sha256:...")


def with_kubernetes(folder: Path, overlay: str, to: str, digest: str = "") -> str:
    """Change the file that says what runs in the cluster that kubectl points to, apply it and wait."""
    file = OVERLAYS / overlay / "kustomization.yaml"
    text = (folder / file).read_text(encoding="utf-8") if (folder / file).is_file() else ""
    found, namespace = TAG.search(text), NAMESPACE.search(text)
    if not found or not namespace:
        raise Failed(f"there is no {file} that names a newTag and a namespace")
    version = target(folder, found[2], to)
    changed = TAG.sub(rf'\g<1>"{version}"', text, count=1)
    if DIGEST.search(text):
        digest = digest or digest_of(folder, file, version)
        changed = DIGEST.sub(rf'\g<1>"{digest}"', changed, count=1)
    (folder / file).write_text(changed, encoding="utf-8", newline="\n")
    print(f"{found[2]} -> {version} in {file}: commit it")
    do("kubectl", "apply", "--kustomize", file.parent.as_posix(), folder=folder)
    status = ("rollout", "status", "deployment/service", PATIENCE)
    do("kubectl", "--namespace", namespace[1], *status, folder=folder)
    return f"{version} runs in {namespace[1]}"


def main(to: str = "", overlay: str = "", digest: str = "") -> None:
    """Go back, in the cluster where an overlay is named."""
    print(with_kubernetes(ROOT, overlay, to, digest) if overlay else with_compose(ROOT, to))


if __name__ == "__main__":
    main(*sys.argv[1:4])
