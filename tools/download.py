"""How much an installation downloads: asks the package index for the size of each file that this machine takes."""

import subprocess
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from packaging.tags import Tag, sys_tags
from packaging.utils import parse_wheel_filename


def download_bytes(requirements: Path, python: Path) -> int | None:
    """Bytes of the wheels (or the source, where there is no wheel) of a fully pinned requirements file.

    ``python`` is the interpreter of an environment that has uv; the files are those for the Python that runs this.
    ``None`` where the index does not tell sizes or cannot be asked. Nothing is downloaded, and what a cache already
    holds counts as well: the figure is that of a new machine.
    """
    with tempfile.TemporaryDirectory() as scratch:
        locked = Path(scratch) / "pylock.toml"
        command = ["uv", "pip", "compile", "--quiet", "--no-deps", str(requirements), "--output-file", str(locked)]
        done = subprocess.run([str(python), "-m", *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if done.returncode:
            return None
        packages = tomllib.loads(locked.read_text(encoding="utf-8")).get("packages", [])
    preferred = {tag: rank for rank, tag in enumerate(sys_tags())}
    sizes = [_size(package, preferred) for package in packages]
    return None if None in sizes else sum(size for size in sizes if size is not None)


def _size(package: dict[str, Any], preferred: dict[Tag, int]) -> int | None:
    ranked = []
    for wheel in package.get("wheels", []):
        name = wheel.get("name") or wheel["url"].rsplit("/", 1)[-1].split("#")[0]
        ranks = [preferred[tag] for tag in parse_wheel_filename(name)[3] if tag in preferred]
        if ranks:
            ranked.append((min(ranks), wheel.get("size")))
    size: int | None = min(ranked)[1] if ranked else package.get("sdist", {}).get("size")
    return size
