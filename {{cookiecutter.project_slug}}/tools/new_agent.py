"""Writes a new agent with its test: `nox -s agent -- billing`, or `make agent name=billing`; `kind=graph`: by a graph.

The agent answers at once, from invented data, and passes every check. It is made of tools/agent_files.txt, or of
tools/graph_files.txt.
"""

import keyword
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

NAME = re.compile(r"(?=.{1,40}$)[a-z][a-z0-9]*(_[a-z0-9]+)*")  # 40 characters: a guess

KINDS = ("agent", "graph")

DEVICES = re.compile(r"aux|con|nul|prn|(com|lpt)[0-9]")  # Windows has them in every folder


class NameRefused(SystemExit):
    """No agent can have this name: it ends the command with its text, which says why and gives an example."""


def places(root: Path, name: str) -> tuple[Path, Path]:
    """The folders for the code and the test of a new agent. `NameRefused`: it cannot have this name."""
    example = "for example billing or order_status"
    if not NAME.fullmatch(name):
        raise NameRefused(
            f"{name!r} is no name for an agent: use 1 to 40 lowercase letters, digits and _, a letter first, {example}."
        )
    if keyword.iskeyword(name) or DEVICES.fullmatch(name):
        raise NameRefused(f"{name!r} has a meaning of its own: choose another, {example}.")
    code, tests = root / "src" / "app" / "agents", root / "tests" / "agents"
    for place in (code / name, code / f"{name}.py", tests / name, tests / f"test_{name}.py"):
        if place.exists():
            shown = place.relative_to(root).as_posix()
            raise NameRefused(f"{shown} is there already: choose another name, or delete it.")
    return code, tests


def write(root: Path, name: str, kind: str = "agent") -> list[Path]:
    """Writes the files and gives their paths. `NameRefused`: it cannot have this name, or there is no such kind."""
    if kind not in KINDS:
        raise NameRefused(f"{kind!r} is no kind of agent: make agent name=billing kind=graph, or without a kind.")
    code, tests = places(root, name)
    words = name.split("_")
    filled = {
        "AGENT_NAME": name,
        "AGENT_CLASS": "".join(word.capitalize() for word in words),
        "AGENT_WORDS": " ".join(words),
        "AGENT_TITLE": " ".join(words).capitalize(),
        "AGENT_HOST": "-".join(words),
    }
    written = []
    files = Path(__file__).with_name(f"{kind}_files.txt").read_text(encoding="utf-8")
    for token, value in filled.items():
        files = files.replace(token, value)
    for part in files.split("==== ")[1:]:
        file, _, text = part.partition("\n")
        target = (tests if file.startswith("test_") else code) / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="\n")
        written.append(target)
    # A long name makes long lines.
    subprocess.run([sys.executable, "-m", "black", "-q", "-C", *written], check=True)
    return written


def main(arguments: list[str], root: Path = ROOT) -> None:
    """Writes the agent that the first argument names, of the kind that a second one names."""
    if len(arguments) not in (1, 2):
        raise NameRefused("Give the agent one name: make agent name=billing")
    for file in write(root, *arguments):
        print(f"wrote {file.relative_to(root).as_posix()}")
    print("Next: its words, its tool, its policy (docs/build.md)")


if __name__ == "__main__":
    main(sys.argv[1:])
