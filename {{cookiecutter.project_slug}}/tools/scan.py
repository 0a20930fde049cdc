"""Finds merge markers and secrets in the files it is given, or in all of the project: `python tools/scan.py`.

A line that only looks like a secret is let through by the comment `pragma: allowlist secret` on it.
"""

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from detect_secrets.core.secrets_collection import SecretsCollection
from detect_secrets.settings import transient_settings

ROOT = Path(__file__).resolve().parents[1]

# Written so that this file has none: a merge or an update left undone starts and ends with these.
MERGE_MARKERS = ("<" * 7 + " ", ">" * 7 + " ")

# Prefixes as the providers' pages show them (November 2026), the lengths guessed on the short side.
# detect-secrets' own rules are older than these keys.
PROVIDER_KEY = re.compile(
    r"\bsk-(?:proj|svcacct|admin|ant)-[\w-]{20}"  # OpenAI, Anthropic
    r"|\blsv2_(?:pt|sk)_[a-f0-9]{32}"  # LangSmith
    r"|\bABSK[\w+/]{40}"  # Bedrock
    r"|\bAIza[\w-]{35}"  # Google
    r"|\bhf_[A-Za-z0-9]{30}"  # Hugging Face
    r"|\bgithub_pat_\w{40}"  # GitHub, fine-grained
)
ALLOWED = "pragma: allowlist secret"

# detect-secrets' rules without the two that call every long random-looking word a secret.
RULES = (
    "ArtifactoryDetector",
    "AWSKeyDetector",
    "AzureStorageKeyDetector",
    "BasicAuthDetector",
    "CloudantDetector",
    "DiscordBotTokenDetector",
    "GitHubTokenDetector",
    "GitLabTokenDetector",
    "IbmCloudIamDetector",
    "JwtTokenDetector",
    "KeywordDetector",
    "MailchimpDetector",
    "NpmDetector",
    "OpenAIDetector",
    "PrivateKeyDetector",
    "PypiTokenDetector",
    "SendGridDetector",
    "SlackDetector",
    "StripeDetector",
    "TelegramBotTokenDetector",
    "TwilioKeyDetector",
)
# Not asked of tests, which plant such things to prove that they are caught; a key's shape still counts there.
PLANTED_IN_TESTS = {"Secret Keyword", "Basic Auth Credentials"}
FILTERS = ("allowlist.is_line_allowlisted", "heuristic.is_indirect_reference")

# Hashes of public packages, written by a tool.
SKIPPED_FILES = re.compile(r"requirements(?:-\w+)?\.txt")
# Asked only where no git repository knows what is ignored.
SKIPPED_FOLDERS = {".venv", ".git", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"}


class Scan:
    """One look through the files of a project folder."""

    def __init__(self, root: Path) -> None:
        """Look below `root`; names in findings are relative to it."""
        self._root = root.resolve()

    def files(self) -> list[Path]:
        """Every file that git tracks or would track; without git, every file outside known caches."""
        names = self._known_to_git()
        if (
            not names
        ):  # no repository, or one around it that ignores this folder: nothing is skipped
            found = (path.relative_to(self._root) for path in self._root.rglob("*"))
            names = {path for path in found if not SKIPPED_FOLDERS & set(path.parts)}
        return sorted(file for name in names if (file := self._root / name).is_file())

    def _known_to_git(self) -> set[Path]:
        command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        try:
            listed = subprocess.run(command, cwd=self._root, capture_output=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            return set()
        return {Path(name) for name in listed.stdout.decode().split("\0") if name}

    def findings(self, files: Iterable[Path]) -> Iterator[str]:
        """One line a finding: where it is and what it is, never the secret itself."""
        settings = {
            "plugins_used": [{"name": name} for name in RULES],
            "filters_used": [{"path": f"detect_secrets.filters.{name}"} for name in FILTERS],
        }
        looked_at = {
            file.resolve().relative_to(self._root).as_posix(): file
            for file in files
            if not SKIPPED_FILES.fullmatch(file.name)
        }
        secrets = SecretsCollection(str(self._root))
        with transient_settings(settings):
            secrets.scan_files(*looked_at)  # spread over the processors
        for name, file in looked_at.items():
            passed = PLANTED_IN_TESTS if name.startswith("tests/") else set()
            told = {(secret.line_number, secret.type) for secret in secrets[str(Path(name))]}
            for line, kind in sorted({*self._own_rules(file), *told}):
                if kind not in passed:
                    yield f"{name}:{line}: {kind}"

    @staticmethod
    def _own_rules(file: Path) -> Iterator[tuple[int, str]]:
        text = file.read_text(encoding="utf-8", errors="replace")
        for number, line in enumerate(text.splitlines(), start=1):
            if line.startswith(MERGE_MARKERS):
                yield number, "merge marker"
            if ALLOWED not in line and PROVIDER_KEY.search(line):
                yield number, "Model provider key"


def main() -> int:
    """Scans the files named as arguments, all without; gives 1 when there is a finding."""
    scan = Scan(ROOT)
    findings = list(scan.findings([Path(name) for name in sys.argv[1:]] or scan.files()))
    print("\n".join(findings) or "No merge marker, no secret")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
