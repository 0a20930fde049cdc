"""DEP-1: `make sbom` lists what the image installs, each file by its hash, and nothing of development."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tools import ROOT, UV

pytestmark = pytest.mark.skipif(
    not (shutil.which("make") and shutil.which(UV)), reason="make or uv is not installed"
)

PROJECT = """\
[project]
name = "desk"
version = "1.2.0"
requires-python = ">=3.11"
dependencies = ["idna"]
[project.optional-dependencies]
postgres = ["psycopg"]
redis = []
[dependency-groups]
dev = ["pytest"]
"""
LOCKED = """
[[package]]
name = "%s"
version = "1.0"
source = { registry = "https://pypi.org/simple" }
sdist = { url = "https://x.test/%s.tar.gz", hash = "sha256:%s" }
"""
LOCK = """\
version = 1
revision = 3
requires-python = ">=3.11"

[[package]]
name = "desk"
version = "1.2.0"
source = { virtual = "." }
dependencies = [{ name = "idna" }]

[package.optional-dependencies]
postgres = [{ name = "psycopg" }]

[package.dev-dependencies]
dev = [{ name = "pytest" }]

[package.metadata]
requires-dist = [
    { name = "idna" },
    { name = "psycopg", marker = "extra == 'postgres'" },
]
provides-extras = ["postgres", "redis"]

[package.metadata.requires-dev]
dev = [{ name = "pytest" }]
"""


@pytest.mark.checklist("DEP-1")
def test_it_lists_what_the_image_installs_with_the_hash_of_every_file(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    digests = {"idna": "a" * 64, "psycopg": "b" * 64, "pytest": "c" * 64}
    packages = (LOCKED % (name, name, digest) for name, digest in digests.items())
    (tmp_path / "uv.lock").write_text(LOCK + "".join(packages))
    command = ["make", "sbom", f"UV={UV}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    bill = json.loads((tmp_path / "sbom.cdx.json").read_text())
    assert (bill["bomFormat"], bill["metadata"]["component"]["version"]) == ("CycloneDX", "1.2.0")
    hashes = {
        it["purl"]: it["externalReferences"][0]["hashes"][0]["content"] for it in bill["components"]
    }
    assert hashes == {"pkg:pypi/idna@1.0": "a" * 64, "pkg:pypi/psycopg@1.0": "b" * 64}
