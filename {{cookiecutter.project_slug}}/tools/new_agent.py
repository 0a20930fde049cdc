"""Writes a new agent with its test: `nox -s agent -- billing`, or `make agent name=billing`.

The agent answers at once, from invented data, and passes every check. The texts it is made of lie in
`tools/agent_files/`.
"""

import keyword
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
LONGEST_NAME = 40
"""Characters; a folder, a class and a log field carry it. A guess."""

# Windows has devices of these names in every folder.
DEVICES = {
    "aux",
    "con",
    "nul",
    "prn",
    *(f"{port}{n}" for port in ("com", "lpt") for n in range(10)),
}

# Too common to send a question anywhere.
SMALL_WORDS = {
    "a",
    "an",
    "and",
    "for",
    "in",
    "of",
    "on",
    "or",
    "the",
    "then",
    "to",
    "with",
    "also",
    "plus",
}


class NameRefused(Exception):
    """No agent can have this name; the text says why and gives an example."""


class NewAgent:
    """One agent that is about to be written."""

    def __init__(self, root: Path, name: str) -> None:
        """Write below `root`.

        Raises:
            NameRefused: `name` is none for an agent, or is taken.
        """
        self.name = name
        self.code = root / "src" / "app" / "agents" / name
        self.tests = root / "tests" / "agents" / name
        self._refuse_bad_name()
        for folder in (self.code, self.tests):
            if folder.exists():
                shown = folder.relative_to(root).as_posix()
                raise NameRefused(f"{shown} is there already: choose another name, or delete it.")

    def write(self) -> list[Path]:
        """Writes the files and gives their paths."""
        written = []
        for text in sorted((Path(__file__).parent / "agent_files").glob("*.txt")):
            folder = self.tests if text.name.startswith("test_") else self.code
            folder.mkdir(parents=True, exist_ok=True)
            file = folder / text.name.removesuffix(".txt")
            filled = self._fill(text.read_text(encoding="utf-8"))
            file.write_text(filled, encoding="utf-8", newline="\n")
            written.append(file)
        # A long name makes long lines.
        subprocess.run([sys.executable, "-m", "black", "--quiet", *written], check=True)
        return written

    def _refuse_bad_name(self) -> None:
        example = "for example billing or order_status"
        if len(self.name) > LONGEST_NAME or not NAME.fullmatch(self.name):
            raise NameRefused(
                f"{self.name!r} is no name for an agent: use 1 to {LONGEST_NAME} lowercase letters, "
                f"digits and single underscores, a letter first, {example}."
            )
        if keyword.iskeyword(self.name) or self.name in DEVICES:
            raise NameRefused(f"{self.name!r} has a meaning of its own: choose another, {example}.")

    def _fill(self, text: str) -> str:
        words = self.name.split("_")
        telling = [word for word in words if word not in SMALL_WORDS] or words
        listed = ", ".join(f'"{word}"' for word in telling)
        keywords = f"({listed})" if len(telling) > 1 else f"({listed},)"
        filled = {
            "AGENT_NAME": self.name,
            "AGENT_CLASS": "".join(word.capitalize() for word in words),
            "AGENT_WORDS": " ".join(words),
            "AGENT_TITLE": " ".join(words).capitalize(),
            "AGENT_HOST": "-".join(words),
            "AGENT_KEYWORDS": keywords,
        }
        for token, value in filled.items():
            text = text.replace(token, value)
        return text


def main() -> int:
    """Writes the agent that the one argument names; gives the exit code."""
    if len(sys.argv) != 2:
        print("Give the agent one name: make agent name=billing", file=sys.stderr)
        return 2
    try:
        agent = NewAgent(ROOT, sys.argv[1])
    except NameRefused as refused:
        print(refused, file=sys.stderr)
        return 2
    for file in agent.write():
        print(f"wrote {file.relative_to(ROOT).as_posix()}")
    print("Next: its words in agent.py, its data in tools.py and sample.py (docs/agents.md)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
