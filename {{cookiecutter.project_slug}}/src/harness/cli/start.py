"""Where the installed command begins, before anything that takes time is imported."""

from collections.abc import Sequence

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it: 128 and the signal's number."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code. Ctrl-C ends it without a traceback, while it starts too."""
    try:
        from .command import CommandLine  # noqa: PLC0415 - what it imports takes its time

        return CommandLine().run(arguments)
    except KeyboardInterrupt:
        return INTERRUPTED
