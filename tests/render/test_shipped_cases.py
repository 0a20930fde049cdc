"""The shipped cases name the digest of the sample that they ask about: another sample needs other cases."""

import hashlib
import re

from tools.questions import PROJECT_FOLDER, ROOT

PROJECT = ROOT / PROJECT_FOLDER


def digest_of(folder: str) -> str:
    """As `Cases.digest` in the project."""
    found, path = hashlib.sha256(), PROJECT / folder
    for file in sorted(it for it in path.rglob("*") if it.is_file()):
        found.update(file.relative_to(path).as_posix().encode() + file.read_bytes())
    return found.hexdigest()[:12]


def test_each_file_of_cases_has_the_digest_of_the_sample() -> None:
    for file in (PROJECT / "evaluation/shipped").glob("*.yaml"):
        samples = re.findall(r"^samples: .*?(data/\w+): (\w+)", file.read_text(encoding="utf-8"), re.MULTILINE)
        assert samples == [("data/knowledge", digest_of("data/knowledge"))], file.name
