"""How much an installation downloads: what the project's lock file says of the files that this machine takes."""

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from packaging.markers import Marker
from packaging.tags import Tag, sys_tags
from packaging.utils import parse_wheel_filename


def download_bytes(project: Path, *options: str) -> int | None:
    """Bytes of the wheels (or the source, where there is no wheel) that ``uv sync`` with these options takes.

    The files are those for the Python that runs this. ``None`` where the package index told no sizes. Nothing is
    downloaded, and what a cache already holds counts as well: the figure is that of a new machine.
    """
    export = ("uv", "export", "--quiet", "--frozen", "--no-emit-project", "--format", "pylock.toml")
    done = subprocess.run([sys.executable, "-m", *export, *options], cwd=project, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        return None
    preferred = {tag: rank for rank, tag in enumerate(sys_tags())}
    packages = tomllib.loads(done.stdout).get("packages", [])
    sizes = [_size(it, preferred) for it in packages if "marker" not in it or Marker(it["marker"]).evaluate()]
    return None if None in sizes else sum(size for size in sizes if size is not None)


def _size(package: dict[str, Any], preferred: dict[Tag, int]) -> int | None:
    ranked = []
    for wheel in package.get("wheels", []):
        name = wheel.get("name") or wheel["url"].rsplit("/", 1)[-1]
        ranks = [preferred[tag] for tag in parse_wheel_filename(name)[3] if tag in preferred]
        if ranks:
            ranked.append((min(ranks), wheel.get("size")))
    size: int | None = min(ranked)[1] if ranked else package.get("sdist", {}).get("size")
    return size
