"""The command line: `serve`, `ask`, `agents` and `settings`."""

from .command import main

__all__ = ["main"]
