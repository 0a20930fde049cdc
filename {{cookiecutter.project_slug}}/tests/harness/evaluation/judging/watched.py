"""`python -m tests.harness.evaluation.judging.watched FILE evaluate judge …` is `python -m app`, with the agents of the tests.

What it looks up and connects to, whichever library does it, is a line in FILE: an audit hook sees all of Python's sockets.
"""

import sys
from pathlib import Path

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def watch(file: Path) -> None:
    """Write down every name that is looked up and every address that is connected to, but those of this machine."""
    file.touch()

    def hear(event: str, arguments: tuple[object, ...]) -> None:
        told: object = None
        if event in ("socket.getaddrinfo", "socket.gethostbyname"):
            told = arguments[0]
        elif event in ("socket.connect", "socket.sendto") and isinstance(arguments[1], tuple):
            told = arguments[1][0]
        if told and told not in LOOPBACK:
            with file.open("a", encoding="utf-8") as lines:
                lines.write(f"{event} {told}\n")

    sys.addaudithook(hear)


if __name__ == "__main__":
    watch(Path(sys.argv[1]))
    import app.agents
    from harness.cli import main
    from tests.support.agents import TEST_AGENTS

    setattr(app.agents, "AGENTS", TEST_AGENTS)  # noqa: B010 - it is final to everyone else
    sys.exit(main(sys.argv[2:]))
