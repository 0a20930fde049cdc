"""Finds merge markers and secrets in the files it is given, or in all of the project: `python tools/scan.py`.

detect-secrets looks; the rules here are for keys that are younger than its own. A line that only looks like a
secret is let through by the comment `pragma: allowlist secret` on it.
"""

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.core.secrets_collection import SecretsCollection
from detect_secrets.settings import transient_settings

ROOT = Path(__file__).resolve().parents[1]  # also run as a script, by the commit hook

# Written so that this file has none: a merge or an update left undone starts and ends with these.
MERGE_MARKERS = ("<" * 7 + " ", ">" * 7 + " ")

# Prefixes as the providers' pages show them (November 2026), the lengths guessed on the short side.
PROVIDER_KEY = re.compile(
    r"\bsk-(?:proj|svcacct|admin|ant)-[\w-]{20}"  # OpenAI, Anthropic
    r"|\blsv2_(?:pt|sk)_[a-f0-9]{32}"  # LangSmith
    r"|\bABSK[\w+/]{40}"  # Bedrock
    r"|\bAIza[\w-]{35}"  # Google
    r"|\bhf_[A-Za-z0-9]{30}"  # Hugging Face
    r"|\bgithub_pat_\w{40}"  # GitHub, fine-grained
)
ALLOWED = "pragma: allowlist secret"

# These call every long random-looking word, or every address, a secret.
LEFT_OUT = {"Base64HighEntropyString", "HexHighEntropyString", "IPPublicDetector"}
# Not asked of tests, which plant such things to prove that they are caught; a key's shape still counts there.
PLANTED_IN_TESTS = {"Secret Keyword", "Basic Auth Credentials"}
FILTERS = ("allowlist.is_line_allowlisted", "heuristic.is_indirect_reference")
SKIPPED = ("uv.lock",)  # hashes of public packages, written by a tool
# Asked only where no git repository knows what is ignored.
CACHES = {".venv", ".nox", ".git", "__pycache__", ".mypy_cache", ".ruff_cache"}


def files(root: Path) -> list[Path]:
    """Every file that git tracks or would track; without git, every file outside known caches."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=root, capture_output=True, check=True)
        names = {Path(name) for name in listed.stdout.decode().split("\0") if name}
    except (OSError, subprocess.CalledProcessError):
        names = set()
    if not names:  # no repository, or one around it that ignores this folder
        found = (path.relative_to(root) for path in root.rglob("*"))
        names = {path for path in found if not CACHES & set(path.parts)}
    return sorted(file for name in names if (file := root / name).is_file())


def findings(root: Path, wanted: Iterable[Path]) -> Iterator[str]:
    """One line a finding: where it is and what it is, never the secret itself."""
    classes: Mapping[str, type] = get_mapping_from_secret_type_to_class()
    rules = {rule.__name__ for rule in classes.values()}
    settings = {
        "plugins_used": [{"name": name} for name in sorted(rules - LEFT_OUT)],
        "filters_used": [{"path": f"detect_secrets.filters.{name}"} for name in FILTERS],
    }
    looked_at = {file.resolve().relative_to(root.resolve()).as_posix(): file for file in wanted}
    secrets = SecretsCollection(str(root))
    with transient_settings(settings):
        secrets.scan_files(*(name for name in looked_at if name not in SKIPPED))
    for name, file in looked_at.items():
        found = {(secret.line_number, secret.type) for secret in secrets[str(Path(name))]}
        passed = PLANTED_IN_TESTS if name.startswith("tests/") else set()
        for line, kind in sorted({*_own_rules(file), *found}):
            if kind not in passed:
                yield f"{name}:{line}: {kind}"


def _own_rules(file: Path) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(file.read_text(errors="replace").splitlines(), start=1):
        if line.startswith(MERGE_MARKERS):
            yield number, "merge marker"
        if ALLOWED not in line and PROVIDER_KEY.search(line):
            yield number, "Model provider key"


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Scans the files named as arguments, all without; gives 1 when there is a finding."""
    found = list(findings(root, map(Path, arguments) if arguments else files(root)))
    print("\n".join(found) or "No merge marker, no secret")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
