"""The command line: `serve`, `ask`, `agents`, `keys`, `retention` and `settings`."""

from .command import main

__all__ = ["main"]
